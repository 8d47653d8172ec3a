import CollectorTesting
import EventJSON
import Logging
import Synchronization
import TestSupport
import Testing

@testable import Collector
@testable import RedisStreamsDestination

@Suite("walkerOS recordings of the Redis destination: its life, and through the collector", .timeLimit(.minutes(1)))
struct RedisLifecycleVectorTests {
    // MARK: init

    @Test(
        "the same settings are taken and the same refused",
        arguments: Fixtures.vectors(RedisVectorTests.file, kind: "init")
    )
    func initialize(_ vector: Vector) async throws {
        let logs = RecordedLogs()
        let settings = vector.input["config"]["settings"]
        let context = DestinationContext(id: "redis", logger: logs.logger(), settings: settings)
        let destination = RedisStreamsDestination()
        if let text = vector.expected["throws"].string {
            let error = await #expect(throws: RedisSettingsError.self) { try await destination.initialize(context) }
            #expect(error.map { "\($0)" } == text)
            #expect(logs.entries.map(\.message) == [text])
            return
        }
        if let difference = deliberateDifferences[vector.id] {
            let error = #expect(throws: RedisSettingsError.self, "\(difference)") { try RedisStreamsSettings(settings) }
            #expect(error?.problems.map(\.path) == [["settings", "redis", "foo"]])
            return
        }
        let taken = try RedisStreamsSettings(settings)
        let expected = vector.expected["settings"]
        #expect(taken.streamKey == expected["streamKey"].string)
        #expect(taken.serialization.rawValue == expected["serialization"].string)
        #expect(taken.maximumLength == expected["maxLen"].number?.integer)
        let argument = vector.expected["constructorArg"]
        if let url = argument.string {
            #expect(taken.configuration == (try RedisConfiguration(url: url)))
        } else {
            let same = try RedisStreamsSettings(["redis": ["streamKey": "k", "options": argument]])
            #expect(taken.configuration == same.configuration)
        }
        // The client is made and owned: nothing needs to listen for that.
        _ = try await destination.initialize(context)
        try await destination.destroy(context)
    }

    // MARK: destroy

    @Test("the same clients are quit", arguments: Fixtures.vectors(RedisVectorTests.file, kind: "destroy"))
    func destroy(_ vector: Vector) async throws {
        let quits = Atomic(0)
        let quitFails = vector.input["quitFails"].bool == true
        let server = try ScriptedServer { connection in
            connection.acceptHandshake()
            while let command = connection.readCommand() {
                if command == ["QUIT"] { quits.add(1, ordering: .relaxed) }
                connection.send(command == ["QUIT"] && quitFails ? "-quit failed\r\n" : "+OK\r\n")
            }
        }
        let isOwned = vector.input["owned"].bool == true
        let client = try makeClient(server.socketPath)
        let destination = isOwned ? RedisStreamsDestination() : RedisStreamsDestination(client: client)
        let context = makeContext(makeSettings(server.socketPath))
        if vector.input["clientPresent"].bool == true {
            _ = try await destination.initialize(context)
            // A reply shows that the client is connected.
            _ = await destination.deliver(DeliveryBatch([Delivery(event: makeEvent(number: 0))]))
        }
        var thrown: String?
        do {
            try await destination.destroy(context)
        } catch {
            thrown = "\(error)"
        }
        let expectedError = vector.expected["throws"].string
        #expect(thrown == nil ? expectedError == nil : thrown?.hasSuffix(expectedError ?? "") == true)
        #expect(quits.load(ordering: .relaxed) == vector.expected["quit"].number?.integer ?? 0)
        // Cleared or not, a second call does nothing.
        try await destination.destroy(context)
        #expect(quits.load(ordering: .relaxed) == vector.expected["quit"].number?.integer ?? 0)
        if !isOwned { #expect(try await client.command(["XLEN", "s"]) == .status("OK")) }
        try? await client.quit()
    }

    // MARK: flow

    @Test("the same through the collector", arguments: Fixtures.vectors(RedisVectorTests.file, kind: "flow"))
    func flow(_ vector: Vector) async throws {
        let recording = RedisVectorTests.Recording(reply: "$3\r\n1-0\r\n")
        let server = try recording.serve()
        let logs = RecordedLogs()
        let input = vector.input
        var configuration = input["config"].object ?? [:]
        var redis = configuration["settings"]["redis"].object ?? [:]
        redis["options"] = ["path": .string(server.socketPath)]
        configuration["settings"] = ["redis": .object(redis)]
        var problems = ConfigurationProblems()
        let destinationConfiguration = DestinationConfiguration(configuration, problems: &problems)
        #expect(problems.isEmpty)
        var options = CollectorOptions()
        options.release = "<version>"
        options.user = input["collector"]["user"].object ?? [:]
        options.globals = input["collector"]["globals"].object ?? [:]
        options.consent = input["collector"]["consent"].object ?? [:]
        let destination = RedisStreamsDestination()
        let collector = Collector(
            options: options,
            destinations: [
                DestinationRegistration(id: "redis", destination: destination, configuration: destinationConfiguration)
            ],
            logger: logs.logger(level: .info)
        )
        await collector.start()
        var results: [PushResult] = []
        for event in input["events"].array ?? [] { results.append(await collector.push(event.object ?? [:])) }
        for command in input["commandsAfter"].array ?? [] {
            let name = command[0].string ?? ""
            _ = await collector.command(CollectorCommand(name: name, data: command[1]))
        }
        let status = collector.status
        let deadLetterCount = collector.deadLetters(of: "redis")?.count ?? 0
        let arguments = recording.arguments
        let logged = logs.entries.filter { $0.level >= .warning }.map(\.message)
        await collector.shutdown()

        for (result, expected) in zip(results, vector.expected["results"].array ?? []) {
            #expect(result.isOK == expected["ok"].bool)
            #expect(result.done == (expected["done"].array ?? []).compactMap(\.string))
            #expect(result.queued == (expected["queued"].array ?? []).compactMap(\.string))
        }
        let shown = arguments.map { $0.map(Self.hidingTrace) }
        #expect(shown == (vector.expected["commands"].array ?? []).map(RedisVectorTests.texts))
        #expect(status.acceptedCount == vector.expected["status"]["in"].number?.integer)
        #expect(status.deliveredCount == vector.expected["status"]["out"].number?.integer)
        #expect(status.failedCount == vector.expected["status"]["failed"].number?.integer)
        #expect(deadLetterCount == vector.expected["dlq"].number?.integer)
        #expect(logged == (vector.expected["logs"].array ?? []).compactMap(\.string))
    }

    private static func hidingTrace(_ text: String) -> String {
        text.replacing(#/"trace":"[0-9a-f]{32}"/#, with: #""trace":"<trace>""#)
    }
}
