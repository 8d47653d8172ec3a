import CollectorTesting
import EventJSON
import Foundation
import TestSupport
import Testing

/// The program as a process, with a real redis-server behind it.
@Suite("collectord", .timeLimit(.minutes(2)))
struct DaemonTests {
    private func flow(
        redis: RedisServer,
        extra: String = "",
        query: String = ""
    ) throws -> (TemporaryDirectory, String) {
        let directory = try TemporaryDirectory()
        let text = """
            {"version":4,"flows":{"shop":{
              "sources":{"http":{"package":"@walkeros/server-source-express"}},
              "destinations":{"redis":{"package":"@walkeros/server-destination-redis","config":{
                "settings":{"redis":{"url":"unix://\(redis.socketPath)\(query)","streamKey":"events"}}\(extra)}}}}}}
            """
        let path = directory.path + "/flow.json"
        try Data(text.utf8).write(to: URL(filePath: path))
        return (directory, path)
    }

    private func entries(_ redis: RedisServer, _ stream: String = "events") throws -> [JSONValue] {
        try redis.probe().command("XRANGE", stream, "-", "+").elements.map { entry in
            let fields = entry.elements[1].elements
            #expect(fields[0].text == "event")
            return try JSONValue(jsonText: fields[1].text ?? "", limits: JSONLimits(maximumByteCount: 1 << 24))
        }
    }

    @Test("an event over HTTP is completed, mapped and in its stream when the answer comes")
    func delivers() async throws {
        let redis = try RedisServer()
        let (directory, path) = try flow(
            redis: redis,
            extra: #"""
                ,"policy":{"user.email":{"key":"user.email","fn":["trim","lowercase","sha256"]}},
                "mapping":{"order":{"complete":{"name":"purchase","settings":{"streamKey":"orders"}}}}
                """#
        )
        let daemon = try await DaemonProcess.start(["run", path, "--port", "0"])
        let answer = try await HTTPExchange.post(
            #"{"name":"order complete","data":{"total":42.50},"user":{"email":" A@b.de "},"id":"0123456789abcdef"}"#,
            port: daemon.port
        )
        #expect(answer.status == 200)
        let order = try #require(try entries(redis, "orders").first)
        #expect(order["name"] == "purchase")
        #expect(order["entity"] == "order")
        #expect(order["data"].text == #"{"total":42.50}"#)
        #expect(order["user"]["email"] == "363a175f65786e7799e43a17e3f9f7baa20553a6408901bc04db39da72261fe3")
        #expect(order["source"]["release"] == ["shop": "0.1.0"])
        let end = await daemon.stop()
        #expect(end.code == 0, "\(end.errors)")
        withExtendedLifetime(directory) {}
    }

    @Test("naughty strings reach the stream byte for byte")
    func naughtyStrings() async throws {
        var strings = try Fixtures.json("strings/naughty.json").array ?? []
        if let folder = ProcessInfo.processInfo.environment["COLLECTOR_VECTORS"] {
            let list = try JSONValue(
                jsonText: Array(Data(contentsOf: URL(filePath: folder + "/blns/blns.json"))),
                limits: JSONLimits(maximumByteCount: 1 << 24)
            )
            #expect(list.array?.count == 515)
            strings += list.array ?? []
        }
        let redis = try RedisServer()
        let (directory, path) = try flow(redis: redis)
        let daemon = try await DaemonProcess.start(["run", path, "--port", "0"])
        for batch in stride(from: 0, to: strings.count, by: 100) {
            let events = strings[batch..<min(batch + 100, strings.count)].map { string -> JSONValue in
                ["name": "naughty string", "data": ["value": string, "nested": [["name": string]]], "trigger": string]
            }
            let answer = try await HTTPExchange.post(JSONValue.array(events).text, port: daemon.port)
            #expect(answer.status == 200, "\(answer.text)")
        }
        let delivered = try entries(redis)
        #expect(delivered.count == strings.count)
        for (event, string) in zip(delivered, strings) {
            #expect(event["data"]["value"].text == string.text)
            #expect(event["data"]["nested"][0]["name"].text == string.text)
            #expect(event["trigger"].text == string.text)
        }
        #expect(try redis.probe().command("DBSIZE") == .integer(1))
        _ = await daemon.stop()
        withExtendedLifetime(directory) {}
    }

    @Test("SIGTERM lets what was accepted be delivered and ends with 0")
    func drains() async throws {
        let redis = try RedisServer()
        let (directory, path) = try flow(redis: redis)
        let daemon = try await DaemonProcess.start(["run", path, "--port", "0", "--log-level", "debug"])
        #expect(try await HTTPExchange.post(#"{"name":"page view"}"#, port: daemon.port).status == 200)
        redis.freeze()
        async let answers = withThrowingTaskGroup(of: Int.self) { group in
            for number in 0..<20 {
                group.addTask {
                    try await HTTPExchange.post("{\"name\":\"page view\",\"id\":\"\(number)\"}", port: daemon.port)
                        .status
                }
            }
            return try await group.reduce(into: [Int]()) { $0.append($1) }
        }
        // Each accepted event is logged when its command is queued.
        await daemon.errorLines(containing: "Redis XADD destination=redis", count: 21)
        async let end = daemon.stop()
        redis.resume()
        #expect(try await answers == Array(repeating: 200, count: 20))
        #expect(await end.code == 0)
        #expect(try entries(redis).count == 21)
        withExtendedLifetime(directory) {}
    }

    @Test("Redis killed and started again: what is acknowledged is there")
    func reconnects() async throws {
        let redis = try RedisServer(["--appendonly", "yes", "--appendfsync", "always"])
        let (directory, path) = try flow(redis: redis)
        let daemon = try await DaemonProcess.start(["run", path, "--port", "0"])
        #expect(try await HTTPExchange.post(#"{"name":"page one","id":"1"}"#, port: daemon.port).status == 200)
        redis.kill()
        async let second = HTTPExchange.post(#"{"name":"page two","id":"2"}"#, port: daemon.port)
        try redis.start()
        #expect(try await second.status == 200)
        let ids = Set(try entries(redis).compactMap { $0["id"].string })
        #expect(ids == ["1", "2"])
        _ = await daemon.stop()
        withExtendedLifetime(directory) {}
    }

    @Test("Redis away for longer than anyone waits: events are kept, and delivered when it is back")
    func keeps() async throws {
        let redis = try RedisServer()
        redis.kill()
        let (directory, path) = try flow(redis: redis, extra: #","timeout":200"#, query: "?commandTimeout=100")
        let daemon = try await DaemonProcess.start(["run", path, "--port", "0"])
        for id in ["1", "2"] {
            let answer = try await HTTPExchange.post("{\"name\":\"page view\",\"id\":\"\(id)\"}", port: daemon.port)
            #expect(answer.status == 200)
        }
        await daemon.errorLines(containing: "the destination keeps failing", count: 1)
        try redis.start()
        await daemon.errorLines(containing: "the destination takes events again", count: 1)
        #expect(try entries(redis).map { $0["id"] } == ["1", "2"])
        #expect(await daemon.stop().code == 0)
        withExtendedLifetime(directory) {}
    }

    @Test("an event that is given up is told to the sender")
    func givesUp() async throws {
        let redis = try RedisServer()
        redis.kill()
        let (directory, path) = try flow(redis: redis, extra: #","retry":false"#, query: "?commandTimeout=100")
        let daemon = try await DaemonProcess.start(["run", path, "--port", "0"])
        let answer = try await HTTPExchange.post(#"{"name":"page view"}"#, port: daemon.port)
        #expect(answer.status == 500)
        #expect(answer.text.contains("Event was not processed"))
        #expect(await daemon.stop().errors.contains("Push failed"))
        withExtendedLifetime(directory) {}
    }

    @Test("no more events are taken than may be kept: 503, and when to come again")
    func refusesForNow() async throws {
        let redis = try RedisServer()
        redis.kill()
        let (directory, path) = try flow(
            redis: redis,
            extra: #","timeout":200,"waitingMax":1"#,
            query: "?commandTimeout=100"
        )
        let daemon = try await DaemonProcess.start(["run", path, "--port", "0"])
        #expect(try await HTTPExchange.post(#"{"name":"page view","id":"1"}"#, port: daemon.port).status == 200)
        for body in [#"{"name":"page view","id":"2"}"#, #"[{"name":"page view","id":"2"}]"#] {
            let refused = try await HTTPExchange.post(body, port: daemon.port)
            #expect(refused.status == 503)
            #expect(refused.headers["retry-after"] == "1")
            #expect(refused.text.contains("try again later"))
        }
        try redis.start()
        await daemon.errorLines(containing: "the destination takes events again", count: 1)
        #expect(try await HTTPExchange.post(#"{"name":"page view","id":"2"}"#, port: daemon.port).status == 200)
        #expect(try entries(redis).map { $0["id"] } == ["1", "2"])
        #expect(await daemon.stop().code == 0)
        withExtendedLifetime(directory) {}
    }

    @Test("a source that is disabled takes nothing, the others do")
    func disabledSource() async throws {
        let directory = try TemporaryDirectory()
        let path = directory.path + "/flow.json"
        let text = """
            {"version":4,"flows":{"d":{
              "sources":{"on":{"package":"@walkeros/server-source-express"},
                "off":{"package":"@walkeros/server-source-express","disabled":true,
                  "config":{"settings":{"paths":["/other"]}}}},
              "destinations":{"out":{"package":"console"}}}}}
            """
        try Data(text.utf8).write(to: URL(filePath: path))
        let daemon = try await DaemonProcess.start(["run", path, "--port", "0"])
        #expect(try await HTTPExchange.post(#"{"name":"page view"}"#, to: "/other", port: daemon.port).status == 404)
        #expect(try await HTTPExchange.post(#"{"name":"page view"}"#, port: daemon.port).status == 200)
        #expect(await daemon.stop().code == 0)
        withExtendedLifetime(directory) {}
    }

    @Test("without a file it prints events and a line to try")
    func defaultFlow() async throws {
        let daemon = try await DaemonProcess.start(["run", "--port", "0"])
        #expect(await daemon.outputLine(containing: "curl -d")?.contains(":\(daemon.port)/collect") == true)
        let answer = try await HTTPExchange.post(#"{"name":"page view","data":{"title":"Hello"}}"#, port: daemon.port)
        #expect(answer.status == 200)
        let line = try #require(await daemon.outputLine(containing: "\"context\":{}"))
        #expect(line.hasPrefix(#"{"name":"page view""#))
        #expect(await daemon.stop().code == 0)
    }

    @Test("events over TLS; a certificate that cannot be used is told in a sentence, with exit code 1")
    func tls() async throws {
        let certificates = try TestCertificates()
        let identity = try certificates.issue("localhost")
        let options = ["--port", "0", "--tls-certificate", identity.certificate, "--tls-key", identity.key]
        let daemon = try await DaemonProcess.start(["run"] + options)
        let code = try await BlockingWork.run {
            ChildProcess.wait(
                for: try ChildProcess.spawn([
                    "curl", "--silent", "--fail", "--cacert", certificates.authority.certificate, "--json",
                    #"{"name":"page view"}"#, "https://localhost:\(daemon.port)/collect",
                ])
            )
        }
        #expect(code == 0)
        #expect(await daemon.outputLine(containing: "\"context\":{}")?.hasPrefix(#"{"name":"page view""#) == true)
        #expect(await daemon.stop().code == 0)
        let broken = try await DaemonProcess.run([
            "run", "--tls-certificate", "/nowhere.pem", "--tls-key", identity.key,
        ])
        #expect(broken.code == 1)
        #expect(broken.errors.contains("The TLS file /nowhere.pem cannot be used: it cannot be read."))
    }

    @Test("a port that is taken is told in a sentence, with exit code 1")
    func portTaken() async throws {
        let daemon = try await DaemonProcess.start(["run", "--port", "0"])
        let second = try await DaemonProcess.run(["run", "--port", String(daemon.port)])
        #expect(second.code == 1)
        #expect(second.errors.lowercased().contains("address already in use"), "\(second.errors)")
        _ = await daemon.stop()
    }
}
