import CollectorTesting
import EventJSON
import Foundation
import TestSupport
import Testing

/// The log on a disk that fails, that is full, and that is slow: real daemons, with system calls that are made to fail.
@Suite("collectord's log on a bad disk", .timeLimit(.minutes(3)))
struct LogFaultTests {
    private static func event(_ id: String, byteCount: Int = 10) -> String {
        #"{"name":"a b","id":"\#(id)","data":{"filling":"\#(String(repeating: "x", count: byteCount))"}}"#
    }

    @Test(
        "a flush that fails closes the log: 503, the daemon ends with an error, and what was acknowledged is there after",
        .enabled("needs strace") { await SystemCallFault.isPossible },
        arguments: [5, 12, 30]
    )
    func failingFlush(_ number: Int) async throws {
        let place = try FileFlow()
        let daemon = try await DaemonProcess.start(
            place.arguments,
            wrapper: SystemCallFault(.failure("EIO"), of: "fdatasync", at: number).command
        )
        var acknowledged: [String] = []
        var refusals: Set<Int> = []
        for index in 0..<200 {
            guard let answer = try? await HTTPExchange.post(Self.event("\(number)-\(index)"), port: daemon.port) else {
                break
            }
            if answer.status == 200 {
                acknowledged.append("\(number)-\(index)")
            } else {
                refusals.insert(answer.status)
            }
        }
        let end = await daemon.stop()
        #expect(end.code == 1 && end.errors.contains("the log is closed to new events"), "\(end.errors)")
        #expect(refusals.isSubset(of: [503]) && acknowledged.count < 200)
        // Never a second try: after the failure nothing was acknowledged.
        let next = try await DaemonProcess.start(place.arguments)
        #expect(try await HTTPExchange.post(Self.event("last"), port: next.port).status == 200)
        #expect(await next.stop().code == 0)
        let ids = try place.ids()
        #expect(Set(acknowledged).subtracting(ids).isEmpty)
        #expect(ids.last == "last" && Set(ids).count <= acknowledged.count + 3)
    }

    @Test(
        "a full disk refuses events for now, loses none, and takes them again when there is room",
        .enabled("needs unshare -rm") { await SmallDisk.isPossible }
    )
    func fullDisk() async throws {
        let outside = try TemporaryDirectory()
        let disk = outside.path + "/disk"
        mkdir(disk, 0o700)
        let place = try FileFlow(data: disk + "/data")
        let small = SmallDisk(at: disk, byteCount: 160 << 20, filledByteCount: 70 << 20)
        let daemon = try await DaemonProcess.start(place.arguments, wrapper: small.command)
        var acknowledged: [String] = []
        func post(_ id: String) async throws -> Int {
            let answer = try await HTTPExchange.post(Self.event(id, byteCount: 200_000), port: daemon.port)
            if answer.status == 200 { acknowledged.append(id) }
            if answer.status == 503 { #expect(answer.headers["retry-after"] == "1") }
            return answer.status
        }
        var index = 0
        while try await post("a\(index)") == 200, index < 2000 { index += 1 }
        #expect(index > 100 && index < 2000)
        try small.free(of: daemon.identifier)
        var attempts = 0
        while try await post("b\(attempts)") != 200, attempts < 500 { attempts += 1 }
        #expect(attempts < 500)
        #expect(try await post("last") == 200)
        #expect(await daemon.stop().code == 0)
        #expect(Set(acknowledged).subtracting(try place.ids()).isEmpty)
    }

    @Test(
        "no answer 200 is written before a flush of what it speaks of has returned",
        .enabled("needs strace") { await SystemCallFault.isPossible }
    )
    func order() async throws {
        // Answers of this source tell the event's id.
        let place = try FileFlow(package: "@walkeros/server-source-fetch")
        let trace = place.directory.path + "/trace"
        let daemon = try await DaemonProcess.start(
            place.arguments,
            wrapper: SystemCallFault.trace(of: FlushOrder.calls, to: trace)
        )
        try await withThrowingTaskGroup(of: Void.self) { group in
            for client in 0..<4 {
                group.addTask {
                    for index in 0..<15 {
                        let answer = try await HTTPExchange.post(Self.event("id-\(client)-\(index)"), port: daemon.port)
                        #expect(answer.status == 200)
                    }
                }
            }
            try await group.waitForAll()
        }
        #expect(await daemon.stop().code == 0)
        let text = String(decoding: try Data(contentsOf: URL(filePath: trace)), as: UTF8.self)
        let order = FlushOrder(trace: text)
        #expect(order.answeredCount == 60)
        #expect(order.early.isEmpty)
        #expect(order.unsynchronizedDirectories.isEmpty)
    }

    @Test(
        "slow flushes make slow answers, not more flushes: senders share them, and nothing is lost",
        .enabled("needs strace") { await SystemCallFault.isPossible }
    )
    func slowFlushes() async throws {
        let flow = try FileFlow()
        let trace = flow.directory.path + "/trace"
        let daemon = try await DaemonProcess.start(
            flow.arguments,
            wrapper: SystemCallFault(.delay(milliseconds: 300), of: "fdatasync").command(traceTo: trace)
        )
        func flushCount() throws -> Int {
            let text = String(decoding: try Data(contentsOf: URL(filePath: trace)), as: UTF8.self)
            return text.split(separator: "\n").count { $0.contains("fdatasync(") && $0.contains("/data/log/") }
        }
        let countBefore = try flushCount()
        let acknowledged = try await withThrowingTaskGroup(of: [String].self) { group in
            for sender in 0..<64 {
                group.addTask {
                    var ids: [String] = []
                    for number in 0..<4 {
                        let id = "\(sender)-\(number)"
                        let answer = try await HTTPExchange.post(Self.event(id), port: daemon.port)
                        #expect(answer.status == 200)
                        ids.append(id)
                    }
                    return ids
                }
            }
            return try await group.reduce(into: []) { $0 += $1 }
        }
        let count = try flushCount() - countBefore
        #expect(await daemon.stop().code == 0)
        // One group is written while the next one gathers: some 10 when all senders are served at once, more where they come
        // one after the other. Flushes of their own would be 256.
        #expect(count >= 4 && count <= 128, "\(count) flushes")
        // What the destination was not given before the end, it gets after it.
        let next = try await DaemonProcess.start(flow.arguments)
        #expect(try await HTTPExchange.post(Self.event("last"), port: next.port).status == 200)
        while try flow.ids().last != "last", !Task.isCancelled { await Task.yield() }
        #expect(await next.stop().code == 0)
        #expect(try flow.ids().sorted() == (acknowledged + ["last"]).sorted())
    }

    @Test("the order of flushes is really looked at: an answer before its flush is found")
    func orderOfBadTrace() {
        let write = #"7 pwrite64(5</d/log/0.log>, "..{\"id\":\"id-1\"}", 20, 0) = 20"#
        let flush = "7 fdatasync(5</d/log/0.log>) = 0"
        let answer = #"8 write(9<TCP:[1]>, "HTTP/1.1 200 OK\r\n\r\n{\"id\":\"id-1\"}", 40) = 40"#
        #expect(FlushOrder(trace: [write, flush, answer].joined(separator: "\n")).early.isEmpty)
        #expect(FlushOrder(trace: [write, answer, flush].joined(separator: "\n")).early == ["id-1"])
        #expect(FlushOrder(trace: [flush, write, answer].joined(separator: "\n")).early == ["id-1"])
        let begun = "7 fdatasync(5</d/log/0.log> <unfinished ...>"
        let ended = "7 <... fdatasync resumed>) = 0"
        #expect(FlushOrder(trace: [write, begun, answer, ended].joined(separator: "\n")).early == ["id-1"])
        #expect(FlushOrder(trace: [begun, write, ended, answer].joined(separator: "\n")).early == ["id-1"])
    }
}
