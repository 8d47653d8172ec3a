import CollectorTesting
import EventJSON
import Logging
import Synchronization
import TestSupport
import Testing

@testable import Collector
@testable import RedisStreamsDestination

/// Recorded cases that we deliberately answer differently, by id.
let deliberateDifferences: [String: String] = [
    "push/009": "a fractional maxLen is refused at the start: Redis would refuse every event",
    "push/016": "an unknown serialization is refused at the start instead of behaving like json",
    "push/026": "a number keeps the text it came with: the recording holds 1e-07, JavaScript writes 1e-7",
    "push/028": "an error that passes is a retry; walkerOS loses the event and counts it as delivered",
    "push/029": "an error that stays is a rejection; walkerOS loses the event and counts it as delivered",
    "push/031": "an event that meets no client is a retry; walkerOS warns, loses it and counts it as delivered",
    "push/032": "settings without redis are refused at the start; walkerOS warns and loses the event",
    "push/033": "an empty stream key is refused at the start, as walkerOS' own init does",
    "init/008": "an unknown member of settings.redis is refused instead of passed through",
]

@Suite("walkerOS recordings of the Redis destination", .timeLimit(.minutes(1)))
struct RedisVectorTests {
    static let file = "walkeros/redis.json"

    /// A server that answers XADD with that reply and keeps what it got.
    final class Recording: Sendable {
        let commands = Mutex<[[String]]>([])
        let reply: String

        init(reply: String) {
            self.reply = reply
        }

        func serve() throws -> ScriptedServer {
            try ScriptedServer { [self] connection in
                connection.acceptHandshake()
                while let command = connection.readCommand() {
                    commands.withLock { $0.append(command) }
                    connection.send(command == ["QUIT"] ? "+OK\r\n" : reply)
                }
            }
        }

        /// The arguments after XADD; QUIT as it is.
        var arguments: [[String]] {
            commands.withLock { $0.map { $0.first == "XADD" ? Array($0.dropFirst()) : $0 } }
        }
    }

    /// A recorded argument list; ioredis sends numbers as decimal text.
    static func texts(_ arguments: JSONValue) -> [String] {
        (arguments.array ?? []).map { $0.string ?? $0.number?.text ?? "?" }
    }

    // MARK: push

    @Test("the same arguments, byte for byte, and the same log", arguments: Fixtures.vectors(file, kind: "push"))
    func push(_ vector: Vector) async throws {
        let input = vector.input
        let redis = input["settings"]["redis"]
        if let difference = deliberateDifferences[vector.id] {
            return try await pushDifferently(vector, redis, difference)
        }
        let settings = try RedisStreamsSettings(["redis": redis])
        let expected = Self.texts(vector.expected["xadd"])
        let delivery = Delivery(event: try Self.event(vector), rule: try makeRule(input["rule"]))
        let arguments = RedisStreamsCommand.arguments(for: delivery, settings: settings)
        #expect(arguments.map { String(decoding: $0, as: UTF8.self) } == expected)
        if settings.serialization == .flat {
            #expect(Self.flatArguments(input["event"].object ?? [:], delivery, settings) == expected)
        }
        let recording = Recording(reply: "$3\r\n1-0\r\n")
        let result = try await Self.send(delivery, redis, to: recording)
        #expect(recording.arguments == [expected, ["QUIT"]])
        #expect(result.outcome.entryID == "1-0")
        #expect(result.logs == Self.logs(vector))
    }

    private func pushDifferently(_ vector: Vector, _ redis: JSONValue, _ difference: String) async throws {
        switch vector.id {
        case "push/009", "push/016", "push/032", "push/033":
            #expect(throws: RedisSettingsError.self, "\(difference)") {
                try RedisStreamsSettings(redis.isMissing || vector.id == "push/032" ? .missing : ["redis": redis])
            }
        case "push/026":
            let settings = try RedisStreamsSettings(["redis": redis])
            let arguments = RedisStreamsCommand.arguments(
                for: Delivery(event: try Self.event(vector)),
                settings: settings
            )
            let texts = arguments.map { String(decoding: $0, as: UTF8.self).replacing("1e-07", with: "1e-7") }
            #expect(texts == Self.texts(vector.expected["xadd"]))
        case "push/028", "push/029":
            let error = vector.input["clientError"].string ?? "plain"
            let recording = Recording(reply: "-\(error)\r\n")
            let result = try await Self.send(Delivery(event: try Self.event(vector)), redis, to: recording)
            #expect(recording.arguments == [Self.texts(vector.expected["xadd"]), ["QUIT"]])
            #expect(result.logs == Self.logs(vector))
            #expect(result.outcome == (error.hasPrefix("OOM") ? .retry(reason: error) : .rejected(reason: error)))
        case "push/031":
            let outcomes = await RedisStreamsDestination().deliver(
                DeliveryBatch([Delivery(event: try Self.event(vector))])
            )
            #expect(outcomes == [.retry(reason: "the Redis destination is not initialized")])
        default:
            Issue.record("no assertion for \(vector.id): \(difference)")
        }
    }

    private static func send(
        _ delivery: Delivery,
        _ redis: JSONValue,
        to recording: Recording
    ) async throws -> (outcome: DeliveryOutcome, logs: [String]) {
        let server = try recording.serve()
        var object = redis.object ?? [:]
        object["options"] = ["path": .string(server.socketPath)]
        object.remove("url")
        let logs = RecordedLogs()
        let context = makeContext(.object(object), logger: logs.logger(level: .debug))
        let destination = RedisStreamsDestination()
        _ = try await destination.initialize(context)
        let outcomes = await destination.deliver(DeliveryBatch([delivery]))
        try await destination.destroy(context)
        let lines = logs.entries.filter { $0.message.hasPrefix("Redis XADD") }
        let texts = lines.map { line in
            "\(line.level) \(line.message) \(sorted(line.metadata.mapValues { value in "\(value)" }))"
        }
        return (try #require(outcomes.first), texts)
    }

    /// The recorded log lines in our form.
    private static func logs(_ vector: Vector) -> [String] {
        (vector.expected["logs"].array ?? []).map { line in
            let metadata = (line[2].object ?? [:]).map { ($0.name, $0.value.string ?? "") }
            let texts = sorted(Dictionary(metadata) { first, _ in first })
            return "\(line[0].string ?? "") \(line[1].string ?? "") \(texts)"
        }
    }

    private static func sorted(_ metadata: [String: String]) -> String {
        metadata.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined(separator: " ")
    }

    private static func flatArguments(
        _ members: JSONObject,
        _ delivery: Delivery,
        _ settings: RedisStreamsSettings
    ) -> [String] {
        var list = RedisArgumentList()
        var writer = RedisStreamsWriter(settings: settings)
        writer.write(members, of: delivery, to: &list)
        return list.arguments.dropFirst().map { String(decoding: $0, as: UTF8.self) }
    }

    /// The recorded event: its very text, unless it holds markers for what JSON cannot say.
    private static func event(_ vector: Vector) throws -> Event {
        let marked = vector.json["input"]["event"]
        let restored = vector.input["event"]
        if marked != restored || marked.text != restored.text {
            let members = restored.object ?? [:]
            return members.contains { $0.value.isMissing }
                ? Event(partial: members) : makeEvent(json: restored.jsonText)
        }
        return makeEvent(json: try rawEvent(vector.id))
    }

    /// The event's text as it stands in the file: a tree would lose lone surrogates.
    private static func rawEvent(_ id: String) throws -> [UInt8] {
        let bytes = try Fixtures.bytes(file)
        return try bytes.withUnsafeBufferPointer { buffer in
            func name(_ slice: JSONSlice) -> String { JSONValue(validated: slice, in: buffer).string ?? "" }
            var scanner = try JSONScanner(buffer, limits: JSONLimits(maximumByteCount: .max, maximumDepth: 200))
            try scanner.enterObject()
            while let member = try scanner.nextName(), name(member) != "vectors" { _ = try scanner.scanValue() }
            try scanner.enterArray()
            var isFirst = true
            while try scanner.nextElement(isFirst: isFirst) {
                isFirst = false
                var found = ""
                var event: JSONSlice?
                try scanner.enterObject()
                while let member = try scanner.nextName() {
                    guard name(member) == "input" else {
                        let value = try scanner.scanValue()
                        if name(member) == "id" { found = name(value) }
                        continue
                    }
                    try scanner.enterObject()
                    while let member = try scanner.nextName() {
                        let value = try scanner.scanValue()
                        if name(member) == "event" { event = value }
                    }
                }
                guard found == id, let event else { continue }
                return JSONCanonicalizer.text(of: event, in: buffer)
            }
            throw TestSupportError("no event in \(id)")
        }
    }
}
