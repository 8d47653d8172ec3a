import CollectorTesting
import EventJSON
import Foundation
import TestSupport
import Testing

/// Daemons, one after the other, on one data directory, that bring events to a stream of a real Redis; and what was
/// promised to those who sent them.
struct RedisRun {
    /// Events that may come twice for each end without warning: `inFlightMax`.
    static let window = 256
    /// The producer of the last event, which the others must not be.
    private static let lastProducer = 1000
    /// The stream.
    private static let stream = "events"

    let directory: TemporaryDirectory
    let redis: RedisServer
    /// Between the daemon and Redis, when asked for.
    let proxy: FaultProxy?
    let oracle: EventOracle
    /// Of the daemons.
    let arguments: [String]
    var data: String { directory.path + "/data" }

    /// A folder, and a Redis that writes down what it says it has.
    ///
    /// - Parameters:
    ///   - configuration: More members of the destination's `config`, each with a comma behind it.
    ///   - settings: More members of its `settings.redis`, likewise.
    ///   - isBehindProxy: Whether the daemon reaches Redis through a proxy.
    ///   - commandTimeoutMilliseconds: After how long the daemon gives a command up.
    init(
        seed: UInt64 = .random(in: 0 ... .max),
        redisArguments: [String] = [],
        configuration: String = "",
        settings: String = "",
        isBehindProxy: Bool = false,
        commandTimeoutMilliseconds: Int = 10_000
    ) throws {
        directory = try TemporaryDirectory()
        redis = try RedisServer(["--appendonly", "yes", "--appendfsync", "always"] + redisArguments)
        proxy = isBehindProxy ? try FaultProxy(to: redis.socketPath) : nil
        oracle = EventOracle(seed: seed)
        let place = proxy.map { #""host":"127.0.0.1","port":\#($0.port)"# } ?? #""path":"\#(redis.socketPath)""#
        let options = #"{\#(place),"connectTimeout":500,"commandTimeout":\#(commandTimeoutMilliseconds)}"#
        let flow = directory.path + "/flow.json"
        try Data(
            #"""
            {"version":4,"flows":{"f":{
              "sources":{"http":{"package":"http"}},
              "destinations":{"redis":{"package":"redis","config":{\#(configuration)
                "settings":{"redis":{\#(settings)"options":\#(options),"streamKey":"\#(Self.stream)"}}}}}}}}
            """#.utf8
        ).write(to: URL(filePath: flow))
        arguments = ["run", flow, "--port", "0", "--data-dir", directory.path + "/data"]
    }

    /// Sends events, single ones and lists, in so many requests or until nobody answers.
    ///
    /// A single writer is sent no event again: one that was answered 503 is left out.
    func produce(_ producer: Int, requests: Int = .max, port: Int) async {
        for _ in 0..<requests {
            let request = oracle.next(producer: producer, count: Bool.random() ? 1 : .random(in: 2...50))
            guard let answer = try? await HTTPExchange.post(request.json, port: port) else { return }
            if answer.status == 200 { oracle.acknowledge(request) }
        }
    }

    /// Lets several send at a time, each in so many requests.
    func produce(producers: Range<Int>, requests: Int = .max, port: Int) async {
        await withTaskGroup(of: Void.self) { group in
            for producer in producers {
                group.addTask { await produce(producer, requests: requests, port: port) }
            }
        }
    }

    /// Waits until so many events are acknowledged.
    func acknowledged(count: Int) async {
        while oracle.acknowledgedCount < count, !Task.isCancelled { await Task.yield() }
    }

    /// Sends a last event, waits until it has come, ends the daemon, and judges everything that came.
    func judge(endOf daemon: DaemonProcess) async throws -> EventOracle.Judgement {
        let last = oracle.next(producer: Self.lastProducer, count: 1)
        #expect(try await HTTPExchange.post(last.json, port: daemon.port).status == 200)
        oracle.acknowledge(last)
        _ = try await BlockingWork.run { try events(until: last.ids[0]) }
        let end = await daemon.stop()
        #expect(end.code == 0, "\(end.errors)")
        return oracle.judge(try await BlockingWork.run { try events() })
    }

    /// What is in the stream; given an event's id, once that has come.
    func events(until last: String? = nil) throws -> [JSONValue] {
        let probe = try redis.probe()
        var events: [JSONValue] = []
        var position = "0"
        while last == nil || events.last?["id"].string != last {
            let wait = last == nil ? [] : ["BLOCK", "20000"]
            let command = ["XREAD", "COUNT", "1000"] + wait + ["STREAMS", Self.stream, position]
            let reply = try probe.command(command.map { Array($0.utf8) })
            if case .error(let text) = reply { throw TestSupportError(text) }
            let entries = reply.elements.first?.elements[1].elements ?? []
            guard let end = entries.last?.elements[0].text else { break }
            position = end
            for entry in entries {
                events.append(try JSONValue(jsonText: entry.elements[1].elements[1].text ?? ""))
            }
        }
        return events
    }

    /// Expects that nothing is missing, foreign, changed or out of order, and that no more came twice.
    func expectWhole(
        _ judgement: EventOracle.Judgement,
        duplicates: Int,
        isOrdered: Bool = true,
        _ what: String = "",
        sourceLocation: SourceLocation = #_sourceLocation
    ) {
        let comment = Comment(rawValue: "\(what) seed \(oracle.seed)")
        #expect(judgement.missing.isEmpty, comment, sourceLocation: sourceLocation)
        #expect(judgement.foreign.isEmpty, comment, sourceLocation: sourceLocation)
        #expect(judgement.changed.isEmpty, comment, sourceLocation: sourceLocation)
        #expect(judgement.inversionCount == 0 || !isOrdered, comment, sourceLocation: sourceLocation)
        #expect(judgement.duplicateCount <= duplicates, comment, sourceLocation: sourceLocation)
    }
}
