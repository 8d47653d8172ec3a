import CollectorTesting
import EventJSON
import Foundation
import TestSupport
import Testing

/// The log on a disk that fails, that is full, and that is slow: real daemons, with system calls that are made to fail.
@Suite("collectord's log on a bad disk", .timeLimit(.minutes(3)))
struct LogFaultTests {
    /// Whether this user may trace processes of its own.
    private static func mayTrace() async -> Bool {
        await BlockingWork.run {
            (try? ChildProcess.spawn(["strace", "-qq", "-o", "/dev/null", "true"])).map { ChildProcess.wait(for: $0) }
                == 0
        }
    }

    /// Whether this user may have mounts of its own.
    private static func mayMount() async -> Bool {
        await BlockingWork.run {
            (try? ChildProcess.spawn(["unshare", "-rm", "true"])).map { ChildProcess.wait(for: $0) } == 0
        }
    }

    /// A folder with a flow that writes to a file, and the daemon's arguments.
    private struct Place {
        let directory: TemporaryDirectory
        let arguments: [String]
        var output: String { directory.path + "/out.jsonl" }

        init(package: String = "http", data: String? = nil) throws {
            directory = try TemporaryDirectory()
            let flow = directory.path + "/flow.json"
            try Data(
                #"""
                {"version":4,"flows":{"f":{
                  "sources":{"http":{"package":"\#(package)"}},
                  "destinations":{"file":{"package":"file","config":{"settings":
                    {"filename":"\#(directory.path)/out.jsonl"}}}}}}}
                """#.utf8
            ).write(to: URL(filePath: flow))
            arguments = ["run", flow, "--port", "0", "--data-dir", data ?? directory.path + "/data"]
        }

        /// The ids in the file.
        func ids() throws -> [String] {
            let text = String(decoding: try Data(contentsOf: URL(filePath: output)), as: UTF8.self)
            return try text.split(separator: "\n").map { line in
                let limits = JSONLimits(maximumByteCount: 1 << 20)
                return try JSONValue(jsonText: String(line), limits: limits)["id"].string ?? ""
            }
        }
    }

    private static func event(_ id: String, byteCount: Int = 10) -> String {
        #"{"name":"a b","id":"\#(id)","data":{"filling":"\#(String(repeating: "x", count: byteCount))"}}"#
    }

    @Test(
        "a flush that fails closes the log: 503, the daemon ends with an error, and what was acknowledged is there after",
        .enabled("needs strace") { await mayTrace() },
        arguments: [5, 12, 30]
    )
    func failingFlush(_ number: Int) async throws {
        let place = try Place()
        let daemon = try await DaemonProcess.start(
            place.arguments,
            wrapper: [
                "strace", "-D", "-f", "-qq", "-o", "/dev/null", "-e", "trace=fdatasync",
                "-e", "inject=fdatasync:error=EIO:when=\(number)",
            ]
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
        .enabled("needs unshare -rm") { await mayMount() }
    )
    func fullDisk() async throws {
        let outside = try TemporaryDirectory()
        let disk = outside.path + "/disk"
        mkdir(disk, 0o700)
        let place = try Place(data: disk + "/data")
        let mounting = """
            mount -t tmpfs -o size=160m none "$0" && head -c 70m /dev/zero > "$0/filler" && exec "$@"
            """
        let daemon = try await DaemonProcess.start(
            place.arguments,
            wrapper: ["unshare", "-rm", "sh", "-c", mounting, disk]
        )
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
        #expect(unlink("/proc/\(daemon.identifier)/root\(disk)/filler") == 0)
        var attempts = 0
        while try await post("b\(attempts)") != 200, attempts < 500 { attempts += 1 }
        #expect(attempts < 500)
        #expect(try await post("last") == 200)
        #expect(await daemon.stop().code == 0)
        #expect(Set(acknowledged).subtracting(try place.ids()).isEmpty)
    }

    @Test(
        "no answer 200 is written before a flush of what it speaks of has returned",
        .enabled("needs strace") { await mayTrace() }
    )
    func order() async throws {
        // Answers of this source tell the event's id.
        let place = try Place(package: "@walkeros/server-source-fetch")
        let trace = place.directory.path + "/trace"
        let daemon = try await DaemonProcess.start(
            place.arguments,
            wrapper: [
                "strace", "-D", "-f", "-qq", "-y", "-s", "100000", "-o", trace, "-e",
                "trace=pwrite64,pwritev,pwritev2,fdatasync,fsync,write,writev,sendto,sendmsg,openat,rename",
            ]
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

/// What a trace of system calls says of answers and flushes.
private struct FlushOrder {
    /// Ids that were answered before a flush, begun after they were written, had returned.
    private(set) var early: [String] = []
    private(set) var answeredCount = 0
    /// Folders of the log in which a file was made and that were not flushed after it.
    private(set) var unsynchronizedDirectories: Set<String> = []

    init(trace: String) {
        var written: Set<Substring> = []
        // By thread: what had been written when its flush began.
        var flushing: [Substring: Set<Substring>] = [:]
        var durable: Set<Substring> = []
        // Calls whose end comes in a later line.
        var unfinished: [Substring: Substring] = [:]
        for line in trace.split(separator: "\n") {
            guard let space = line.firstIndex(of: " ") else { continue }
            let thread = line[..<space]
            var call = line[line.index(after: space)...].drop { $0 == " " }
            let isUnfinished = call.hasSuffix("<unfinished ...>")
            let isResumed = call.hasPrefix("<... ")
            if isResumed, let begun = unfinished.removeValue(forKey: thread) { call = begun }
            if isUnfinished { unfinished[thread] = call }
            if call.hasPrefix("fdatasync(") {
                if !isResumed { flushing[thread] = written }
                if !isUnfinished, line.hasSuffix("= 0") { durable.formUnion(flushing[thread] ?? []) }
            } else if call.hasPrefix("pwrite"), call.contains("/log/") {
                if !isUnfinished { written.formUnion(Self.ids(in: call)) }
            } else if call.contains("HTTP/1.1 200") {
                // It may have arrived when the call began.
                if isResumed { continue }
                for id in Self.ids(in: call) {
                    answeredCount += 1
                    if !durable.contains(id) { early.append(String(id)) }
                }
            } else if call.hasPrefix("openat("), call.contains("O_CREAT"), !isUnfinished {
                if let path = Self.path(in: call), path.contains("/data/") {
                    unsynchronizedDirectories.insert(String(path[..<(path.lastIndex(of: "/") ?? path.startIndex)]))
                }
            } else if call.hasPrefix("fsync("), !isUnfinished, let open = call.firstIndex(of: "<"),
                let close = call[open...].firstIndex(of: ">")
            {
                unsynchronizedDirectories.remove(String(call[call.index(after: open)..<close]))
            }
        }
        // The lock and LMDB's own table of readers hold nothing that has to last.
        unsynchronizedDirectories = unsynchronizedDirectories.filter { $0.contains("/log") || $0.contains("/segments") }
    }

    private static func path(in call: Substring) -> Substring? {
        let parts = call.split(separator: "\"", maxSplits: 2, omittingEmptySubsequences: false)
        return parts.count > 1 ? parts[1] : nil
    }

    /// The ids that a call's bytes name.
    private static func ids(in call: Substring) -> [Substring] {
        call.split(separator: #"\"id\":\""#, omittingEmptySubsequences: false).dropFirst().map { rest in
            rest.prefix { $0 != "\\" }
        }
    }
}
