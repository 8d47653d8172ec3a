import Collector
import CollectorTesting
import Destinations
import EventJSON
import Foundation
import HTTPServer
import Logging
import NIOCore
import NIOHTTP1
import Synchronization
import Testing

@Suite("Destinations", .timeLimit(.minutes(1)))
struct DestinationsTests {
    /// A collector with one destination of a type.
    private func collector(
        _ type: DestinationType,
        settings: JSONValue,
        config: JSONObject = [:]
    ) async throws -> Collector {
        var problems = ConfigurationProblems()
        let destination = type.make(settings, ["settings"], &problems)
        let configuration = DestinationConfiguration(config, problems: &problems)
        if let problem = problems.list.first { throw problem }
        let collector = Collector(
            destinations: [DestinationRegistration(id: "d", destination: destination, configuration: configuration)])
        await collector.start()
        return collector
    }

    private func problems(_ type: DestinationType, _ settings: JSONValue) -> [String] {
        var problems = ConfigurationProblems()
        _ = type.make(settings, ["settings"], &problems)
        return problems.list.map(\.description)
    }

    @Test("file: a line of JSON for each event, in order, in folders that are made")
    func fileLines() async throws {
        let directory = try TemporaryDirectory()
        let path = directory.path + "/a/b/events.jsonl"
        let collector = try await collector(.file, settings: ["filename": .string(path)])
        for number in 0..<100 {
            #expect(await collector.push(["name": "page view", "data": ["n": .number(JSONNumber(number))]]).isOK)
        }
        await collector.shutdown()
        let lines = try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n")
        #expect(try lines.map { try JSONValue(jsonText: String($0))["data"]["n"].number?.integer } == Array(0..<100))
    }

    @Test("file: csv quotes and tsv escapes what would break a row, under one header")
    func fileTables() async throws {
        let directory = try TemporaryDirectory()
        for format in ["csv", "tsv"] {
            let path = directory.path + "/events.\(format)"
            for _ in 0..<2 {
                let collector = try await collector(
                    .file,
                    settings: [
                        "filename": .string(path), "format": .string(format),
                        "fields": ["name", "data.text", "data.list", "data.none"],
                    ]
                )
                let text: JSONValue = "a\"b,c\td\ne\\"
                _ = await collector.push(["name": "a b", "data": ["text": text, "list": [1, "x"]]])
                await collector.shutdown()
            }
            let content = try String(contentsOfFile: path, encoding: .utf8)
            let row =
                format == "csv"
                ? "a b,\"a\"\"b,c\td\ne\\\",\"[1,\"\"x\"\"]\",\n" : "a b\ta\"b,c\\td\\ne\\\\\t[1,\"x\"]\t\n"
            let separator = format == "csv" ? "," : "\t"
            let header = ["name", "data.text", "data.list", "data.none"].joined(separator: separator) + "\n"
            #expect(content == header + row + row)
        }
    }

    @Test("file: a folder that cannot be made keeps the events waiting, and is told")
    func fileCannotOpen() async throws {
        let collector = try await collector(.file, settings: ["filename": "/proc/none/events.jsonl"])
        let result = await collector.push(["name": "page view"])
        #expect(result.queued == ["d"])
        #expect(collector.status.failedCount == 1)
    }

    @Test("file: a full disk leaves no half line, and is retried as configured")
    func fileDiskFull() async throws {
        let collector = try await collector(.file, settings: ["filename": "/dev/full"], config: ["retry": 3])
        let result = await collector.push(["name": "page view"])
        #expect(result.failed["d"]?.contains("No space left on device") == true)
        #expect(collector.deadLetters(of: "d")?.count == 1)
    }

    @Test("settings that cannot be honoured are refused, all at once")
    func refusals() {
        #expect(
            problems(.file, ["formt": "csv", "format": "xml"]).sorted() == [
                "settings.format: is one of jsonl, csv, tsv",
                "settings.formt: unknown member of the settings of a file destination; did you mean \"format\"?",
                "settings: file destination: 'filename' is required (string or Mapping.Value)",
            ]
        )
        #expect(problems(.file, ["filename": "x", "format": "csv"]).count == 1)
        #expect(problems(.api, ["url": "ftp://x"]) == ["settings.url: \"url\" is required: an http or https URL"])
        #expect(problems(.console, ["show": "x"]) == ["settings.show: is one of event, data, both"])
        #expect(problems(.memory, ["maxCount": 0]).count == 1)
    }

    @Test("memory keeps the last events")
    func memory() async throws {
        let destination = MemoryDestination(maximumCount: 2)
        let collector = Collector(destinations: [DestinationRegistration(id: "m", destination: destination)])
        await collector.start()
        for name in ["a one", "a two", "a three"] { _ = await collector.push(["name": .string(name)]) }
        #expect(destination.deliveries.map(\.event.name) == ["a two", "a three"])
    }

    // MARK: api

    /// A web service that answers with the statuses it is given, one request each, then 200.
    private final class Service: Sendable {
        let requests = Mutex<[(headers: HTTPHeaders, body: String)]>([])
        private let statuses: Mutex<[HTTPResponseStatus]>
        private let server: Mutex<HTTPServer?> = Mutex(nil)

        init(_ statuses: [HTTPResponseStatus]) {
            self.statuses = Mutex(statuses)
        }

        func start() async throws -> String {
            var configuration = HTTPServerConfiguration(listeners: [.tcp(host: "127.0.0.1", port: 0)])
            configuration.eventLoopCount = 1
            let server = HTTPServer(
                configuration: configuration,
                logger: Logger(label: "service"),
                handler: HTTPRequestHandler { request, responder in
                    let body = String(buffer: request.body)
                    self.requests.withLock { $0.append((request.head.headers, body)) }
                    let status = self.statuses.withLock { $0.isEmpty ? .ok : $0.removeFirst() }
                    responder.respond(HTTPResponse(status: status))
                }
            )
            try await server.start()
            self.server.withLock { $0 = server }
            return "http://127.0.0.1:\(server.boundAddresses.first?.port ?? 0)/in"
        }

        func stop() async {
            await server.withLock { $0 }?.shutdown(timeoutMilliseconds: 0)
        }
    }

    @Test("api: the event, or what mapping made of it, is posted; 503 is tried again, 400 is not")
    func api() async throws {
        let service = Service([.ok, .serviceUnavailable, .ok, .badRequest])
        let url = try await service.start()
        let collector = try await collector(
            .api,
            settings: ["url": .string(url), "headers": ["X-Key": "k", "content-type": "application/x"]],
            config: ["mapping": ["order": ["complete": ["data": ["map": ["total": "data.total"]]]]]]
        )
        #expect(await collector.push(["name": "page view", "id": "1"]).isOK)
        #expect(await collector.push(["name": "order complete", "data": ["total": 5]]).isOK)
        let refused = await collector.push(["name": "page view"])
        #expect(refused.failed == ["d": "the service answered 400"])
        await collector.shutdown()
        let requests = service.requests.withLock { $0 }
        #expect(requests.count == 4)
        #expect(requests[0].body.hasPrefix(#"{"name":"page view""#))
        #expect(requests[0].headers["X-Key"] == ["k"])
        #expect(requests[0].headers["Content-Type"] == ["application/x"])
        #expect(requests[1].body == #"{"total":5}"#)
        #expect(requests[2].body == #"{"total":5}"#)
        await service.stop()
    }

    @Test("api: gathered events go in one request")
    func apiBatch() async throws {
        let service = Service([])
        let url = try await service.start()
        let collector = try await collector(
            .api,
            settings: ["url": .string(url)],
            config: ["batch": ["size": 3], "data": ["map": ["n": "data.n"]]]
        )
        for number in 0..<3 { _ = await collector.push(["name": "a b", "data": ["n": .number(JSONNumber(number))]]) }
        await collector.shutdown()
        #expect(service.requests.withLock { $0.map(\.body) } == [#"[{"n":0},{"n":1},{"n":2}]"#])
        await service.stop()
    }
}
