import Collector
import CollectorTesting
import Destinations
import EventJSON
import Logging

/// Measures how fast lines are appended to a file, beside `cat`, which only copies them.
struct FileAppendBenchmark {
    private let roundCount = 5
    private let lineCount = 200_000

    private struct Way {
        let name: String
        let fsync: JSONValue
        let batchCount: Int
    }

    private let ways = [
        Way(name: "file, fsync never, batches of 256", fsync: "never", batchCount: 256),
        Way(name: "file, fsync batch, batches of 1 000", fsync: "batch", batchCount: 1000),
        Way(name: "file, fsync batch, batches of 256", fsync: "batch", batchCount: 256),
    ]

    func run() async throws {
        let directory = try TemporaryDirectory()
        let deliveries = try await RedisEntry.deliveries(1000)
        let line = deliveries[0].event.json + [UInt8(ascii: "\n")]
        let megabytes = Double(lineCount * line.count) / 1e6
        // The same bytes, written by ourselves once.
        let source = directory.path + "/source.jsonl"
        _ = try await append(deliveries, Way(name: "", fsync: "never", batchCount: 1000), to: source)
        var copied = Samples(), synchronized = Samples()
        var appended = ways.map { _ in Samples() }
        for round in 0...roundCount {
            let cat = try copy(source, to: directory.path + "/copy", command: "cat \"$0\" > \"$1\"")
            let catSynchronized = try copy(
                source,
                to: directory.path + "/copy",
                command: "cat \"$0\" > \"$1\" && sync -d \"$1\""
            )
            var figures: [Double] = []
            for way in ways {
                figures.append(try await append(deliveries, way, to: directory.path + "/events.jsonl"))
            }
            // The first round warms up.
            if round == 0 { continue }
            copied.add(megabytes / cat)
            synchronized.add(megabytes / catSynchronized)
            for (place, seconds) in figures.enumerated() { appended[place].add(megabytes / seconds) }
        }
        print("## file: \(lineCount) lines of \(line.count) bytes appended, \(megabytes.text()) MB\n")
        var table = Table("way", "MB/s", "± %", "lines/s", "of cat", "of cat and sync")
        func add(_ name: String, _ samples: Samples) {
            table.add(
                name,
                samples.median.text(),
                (samples.spreadPercent / 2).text(),
                (samples.median * 1e6 / Double(line.count)).text(),
                (samples.median / copied.median).text(decimals: 2),
                (samples.median / synchronized.median).text(decimals: 2)
            )
        }
        add("cat", copied)
        add("cat, then sync -d", synchronized)
        for (way, samples) in zip(ways, appended) { add(way.name, samples) }
        table.show()
    }

    private func append(_ deliveries: [Delivery], _ way: Way, to path: String) async throws -> Double {
        _ = try ChildProcess.output(of: ["rm", "-f", path])
        var problems = ConfigurationProblems()
        let destination = DestinationType.file.make(
            ["filename": .string(path), "fsync": way.fsync],
            ["settings"],
            &problems
        )
        if let problem = problems.list.first { throw problem }
        let logger = Logger(label: "benchmark", factory: { _ in SwiftLogNoOpLogHandler() })
        let context = DestinationContext(id: "file", logger: logger)
        _ = try await destination.initialize(context)
        let batch = DeliveryBatch(Array(deliveries.prefix(way.batchCount)))
        var left = lineCount
        let start = ContinuousClock.now
        while left > 0 {
            let next = left >= way.batchCount ? batch : DeliveryBatch(Array(deliveries.prefix(left)))
            let outcomes = await destination.deliver(next)
            guard outcomes.allSatisfy({ $0 == .delivered() }) else { throw BenchmarkError("lines were not written") }
            left -= next.deliveries.count
        }
        let seconds = (ContinuousClock.now - start).seconds
        try await destination.destroy(context)
        return seconds
    }

    private func copy(_ source: String, to target: String, command: String) throws -> Double {
        _ = try ChildProcess.output(of: ["rm", "-f", target])
        let start = ContinuousClock.now
        _ = try ChildProcess.output(of: ["sh", "-c", command, source, target])
        return (ContinuousClock.now - start).seconds
    }
}
