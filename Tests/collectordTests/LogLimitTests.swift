import CollectorTesting
import EventJSON
import Foundation
import TestSupport
import Testing

/// `--log-max-size` and what goes with it, with real daemons.
@Suite("A log with a limit", .timeLimit(.minutes(3)))
struct LogLimitTests {
    private let directory: TemporaryDirectory
    private var output: String { directory.path + "/out.jsonl" }
    private var data: String { directory.path + "/data" }
    private var admin: String { "unix:\(directory.path)/admin.sock" }

    init() throws {
        directory = try TemporaryDirectory()
        // The destination is away as long as there is a folder where its file should be.
        mkdir(output, 0o700)
    }

    private func arguments(_ policy: String, _ options: [String]) throws -> [String] {
        let flow = directory.path + "/flow.json"
        try Data(
            #"""
            {"version":4,"flows":{"f":{
              "sources":{"http":{"package":"http"}},
              "destinations":{"file":{"package":"file","config":{"whenFull":"\#(policy)","inFlightMax":16,"retry":{"maxDelay":50},
                "settings":{"filename":"\#(output)"}}}}}}}
            """#.utf8
        ).write(to: URL(filePath: flow))
        return ["run", flow, "--port", "0", "--data-dir", data, "--admin", admin] + options
    }

    private func post(_ id: String, _ daemon: DaemonProcess) async throws -> HTTPAnswer {
        let filling = String(repeating: "x", count: 100_000)
        let body = #"{"name":"a b","id":"\#(id)","data":{"filling":"\#(filling)"}}"#
        return try await HTTPExchange.post(body, port: daemon.port)
    }

    /// The ids in the destination's file.
    private func ids() throws -> [String] {
        let text = String(decoding: try Data(contentsOf: URL(filePath: output)), as: UTF8.self)
        return try text.split(separator: "\n").map { line in
            try JSONValue(jsonText: String(line), limits: JSONLimits(maximumByteCount: 1 << 20))["id"].string ?? ""
        }
    }

    /// Returns once the destination has all that was accepted.
    private func drained() async throws {
        while true {
            let status = try JSONValue(jsonText: try await DaemonProcess.run(["status", "--admin", admin]).output)
            let file = status["destinations"]["file"]
            if file["waiting"] == 0, file["held"] == 0, file["unreadBytes"] == 0 { return }
        }
    }

    /// Bytes of the log's files, without its metadata.
    private func byteCount() throws -> Int {
        let names = try FileManager.default.subpathsOfDirectory(atPath: data)
        return try names.filter { !$0.hasPrefix("streams.db") }.reduce(0) { total, name in
            var status = stat()
            try #require(lstat(data + "/" + name, &status) == 0)
            return status.st_mode & S_IFMT == S_IFREG ? total + Int(status.st_size) : total
        }
    }

    @Test(
        "refuse: 503 with Retry-After at the limit, which the files keep; all that was accepted arrives, and new events"
    )
    func refuse() async throws {
        let daemon = try await DaemonProcess.start(try arguments("refuse", ["--log-max-size", "16MiB"]))
        var acknowledged: [String] = []
        while acknowledged.count < 300 {
            let answer = try await post("a\(acknowledged.count)", daemon)
            guard answer.status == 200 else {
                #expect(answer.status == 503 && answer.headers["retry-after"] == "1")
                break
            }
            acknowledged.append("a\(acknowledged.count)")
        }
        #expect(acknowledged.count > 80 && acknowledged.count < 160)
        #expect(try byteCount() <= 16 << 20)
        rmdir(output)
        var attempts = 0
        while try await post("b\(attempts)", daemon).status != 200, attempts < 10_000 { attempts += 1 }
        acknowledged.append("b\(attempts)")
        try await drained()
        #expect(await daemon.stop().code == 0)
        #expect(try ids() == acknowledged)
    }

    @Test("deadLetter: nobody is refused, also not after a kill; events are in the file or dead letters")
    func deadLetter() async throws {
        let options = ["--log-max-size", "16MiB", "--dead-letter-max-size", "8MiB"]
        let arguments = try arguments("deadLetter", options)
        var acknowledged: [Int] = []
        let first = try await DaemonProcess.start(arguments)
        var killing: Task<DaemonProcess.End, Never>?
        for index in 0..<400 {
            // While the log is full and events become dead letters.
            if index == 130 { killing = Task { await first.kill() } }
            guard let answer = try? await post("\(index)", first) else { break }
            #expect(answer.status == 200)
            acknowledged.append(index)
        }
        #expect(await killing?.value != nil && acknowledged.count >= 130 && acknowledged.count < 400)
        let daemon = try await DaemonProcess.start(arguments)
        for index in 400..<450 {
            #expect(try await post("\(index)", daemon).status == 200)
            acknowledged.append(index)
        }
        #expect(try byteCount() <= 16 << 20)
        let status = try JSONValue(jsonText: try await DaemonProcess.run(["status", "--admin", admin]).output)
        #expect((status["destinations"]["file"]["givenUp"].number?.integer ?? 0) > 10)
        #expect((status["destinations"]["file"]["droppedDeadLetters"].number?.integer ?? 0) > 10)
        rmdir(output)
        try await drained()
        #expect(await daemon.stop().code == 0)
        let list = try await DaemonProcess.run(["dead-letters", "list", "--destination", "file", "--data-dir", data])
        let letters = list.output.split(separator: "\n").filter { $0.contains("the log was full") }.compactMap {
            Int($0.split(separator: " ")[5])
        }
        // The oldest letters were dropped; behind the first that is left nothing is missing.
        let oldest = try #require(letters.min())
        let delivered = try ids().compactMap { Int($0) }
        #expect(Set(delivered).union(letters).isSuperset(of: acknowledged.filter { $0 >= oldest }))
        #expect(letters == letters.sorted() && delivered == delivered.sorted())
        #expect(Set(delivered).intersection(letters).count <= 16 && Set(delivered).count == delivered.count)
    }

    @Test(
        "what is no size and no time is refused, with what may be",
        arguments: [
            (
                ["--log-max-size", "ten"], [:],
                "--log-max-size is a size of at least 16MiB, such as 500MB or 10GiB, not \"ten\""
            ),
            (["--log-max-size", "1MB"], [:], "at least 16MiB"),
            ([], ["COLLECTORD_LOG_MAX_SIZE": "99999999999TB"], "COLLECTORD_LOG_MAX_SIZE is a size"),
            (
                ["--log-retention", "7"], [:],
                "--log-retention is a span of time such as 7d, 36h, 90m or 30s, not \"7\""
            ),
            (["--dead-letter-max-size", "20MB", "--log-max-size", "20MB"], [:], "at most half of --log-max-size"),
        ] as [([String], [String: String], String)]
    )
    func mistakes(_ options: [String], _ environment: [String: String], _ message: String) async throws {
        let end = try await DaemonProcess.run(
            ["run", "--port", "0", "--data-dir", data] + options,
            environment: environment
        )
        #expect(end.code != 0 && end.errors.contains(message), "\(end.errors)")
        #expect(!FileManager.default.fileExists(atPath: data))
    }

    @Test("without a log there is nothing to limit")
    func memory() async throws {
        let end = try await DaemonProcess.run(["run", "--port", "0", "--memory", "--log-retention", "1d"])
        #expect(end.code != 0 && end.errors.contains("--memory excludes --log-max-size"), "\(end.errors)")
    }
}
