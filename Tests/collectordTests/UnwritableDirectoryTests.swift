import CollectorTesting
import Foundation
import TestSupport
import Testing

/// A data directory that cannot be written: the daemon says so in one sentence, and does not begin.
@Suite("collectord's data directory cannot be written", .timeLimit(.minutes(1)))
struct UnwritableDirectoryTests {
    /// What may be wrong.
    enum State: String, CaseIterable {
        /// The directory is not there, and cannot be made.
        case absent
        /// It is there, and empty.
        case empty
        /// There is a log in it, of a daemon that has ended.
        case used
    }

    /// Makes what is to be found, and gives a daemon's arguments and its data directory.
    private func prepare(_ state: State, _ flow: FileFlow) async throws -> (arguments: [String], data: String) {
        let data = flow.directory.path + "/disk/data"
        try FileManager.default.createDirectory(
            atPath: state == .empty ? data : flow.directory.path + "/disk",
            withIntermediateDirectories: true
        )
        let arguments = flow.arguments.dropLast() + [data]
        if state == .used {
            let daemon = try await DaemonProcess.start(Array(arguments))
            #expect(await daemon.stop().code == 0)
        }
        return (Array(arguments), data)
    }

    /// What a daemon says that does not begin.
    private func refusal(_ arguments: [String], wrapper: [String]) async throws -> DaemonProcess.Failure {
        do {
            let daemon = try await DaemonProcess.start(arguments, wrapper: wrapper)
            _ = await daemon.stop()
        } catch let failure as DaemonProcess.Failure {
            return failure
        }
        throw TestSupportError("it began")
    }

    @Test(
        "a disk that is mounted read-only",
        .enabled("needs unshare -rm") { await SmallDisk.isPossible },
        arguments: State.allCases
    )
    func readOnly(_ state: State) async throws {
        let flow = try FileFlow()
        let (arguments, data) = try await prepare(state, flow)
        let failure = try await refusal(arguments, wrapper: SmallDisk.readOnly(flow.directory.path + "/disk"))
        expectOneSentence(failure, data, because: "Read-only file system; mount it writable, or use another directory")
    }

    @Test(
        "a directory of another user's",
        .enabled("needs setpriv, for root, and a program that others may run") { await Abilities.mayBeNobody() },
        arguments: State.allCases
    )
    func foreign(_ state: State) async throws {
        let flow = try FileFlow()
        let (arguments, data) = try await prepare(state, flow)
        // The flow may be read; the disk, and what is in it, may not be written.
        let places = [flow.directory.path: 0o755, flow.directory.path + "/disk": 0o555, data: 0o555]
        for (path, mode) in places where FileManager.default.fileExists(atPath: path) {
            try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: path)
        }
        let failure = try await refusal(arguments, wrapper: Abilities.asNobody)
        for path in places.keys {
            try? FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: path)
        }
        expectOneSentence(failure, data, because: "Permission denied; allow this user to read and write it")
    }

    private func expectOneSentence(_ failure: DaemonProcess.Failure, _ data: String, because: String) {
        let lines = failure.description.split(separator: "\n")
        #expect(failure.code > 0, "\(failure)")
        #expect(lines.count == 1, "\(failure)")
        #expect(failure.description.contains(data) && failure.description.contains(because), "\(failure)")
    }
}
