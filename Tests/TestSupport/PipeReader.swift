import Foundation
import Glibc
import Synchronization

/// Gathers what a process writes, and tells who waits for a line of it.
final class PipeReader: Sendable {
    private struct Waiter {
        /// The text of the lines waited for; nil to wait for the end.
        let text: String?
        /// How many such lines there must be.
        let count: Int
        let continuation: CheckedContinuation<String?, Never>
    }

    private struct State {
        var bytes: [UInt8] = []
        var isAtEnd = false
        var waiters: [Waiter] = []
    }

    /// The end that the process writes to.
    let writing: FileHandle
    private let reading: FileHandle
    private let state = Mutex(State())

    init() throws {
        (reading, writing) = try Self.pipe()
    }

    /// The two ends of a pipe that no other child process inherits: it would keep the pipe open.
    static func pipe() throws -> (reading: FileHandle, writing: FileHandle) {
        var ends: [Int32] = [0, 0]
        guard Glibc.pipe(&ends) == 0 else { throw HTTPExchange.Failure(description: "pipe: \(errno)") }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        return (
            FileHandle(fileDescriptor: ends[0], closeOnDealloc: true),
            FileHandle(fileDescriptor: ends[1], closeOnDealloc: true)
        )
    }

    /// Begins to read. To be called once the process runs: this end of the pipe is closed to it.
    func begin() throws {
        try writing.close()
        Thread.detachNewThread { [self] in
            while true {
                let data = reading.availableData
                note(Array(data))
                if data.isEmpty { return }
            }
        }
    }

    var text: String { state.withLock { String(decoding: $0.bytes, as: UTF8.self) } }

    /// The line that is the count-th to contain the text, or nil at the end.
    func line(containing text: String, count: Int = 1) async -> String? {
        await wait(for: text, count: count)
    }

    /// Everything, once the process has closed its end.
    func all() async -> String {
        _ = await wait(for: nil)
        return text
    }

    private func wait(for text: String?, count: Int = 1) async -> String? {
        await withCheckedContinuation { continuation in
            state.withLock { $0.waiters.append(Waiter(text: text, count: count, continuation: continuation)) }
            resumeWaiters()
        }
    }

    private func note(_ bytes: [UInt8]) {
        state.withLock { state in
            state.bytes += bytes
            if bytes.isEmpty { state.isAtEnd = true }
        }
        resumeWaiters()
    }

    private func resumeWaiters() {
        let due = state.withLock { state -> [(CheckedContinuation<String?, Never>, String?)] in
            let text = String(decoding: state.bytes, as: UTF8.self)
            let lines = text.split(separator: "\n", omittingEmptySubsequences: false).dropLast(state.isAtEnd ? 0 : 1)
            var due: [(CheckedContinuation<String?, Never>, String?)] = []
            var rest: [Waiter] = []
            for waiter in state.waiters {
                let found = waiter.text.map { wanted in lines.filter { $0.contains(wanted) } } ?? []
                if found.count >= waiter.count {
                    due.append((waiter.continuation, String(found[waiter.count - 1])))
                } else if state.isAtEnd {
                    due.append((waiter.continuation, nil))
                } else {
                    rest.append(waiter)
                }
            }
            state.waiters = rest
            return due
        }
        for (continuation, line) in due { continuation.resume(returning: line) }
    }
}
