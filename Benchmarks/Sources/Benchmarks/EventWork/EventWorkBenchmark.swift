import Collector
import EventJSON
import JanssonPeer

/// Measures what one event costs, against the same work over jansson trees.
struct EventWorkBenchmark {
    private let work: CollectorWork
    /// How often each measurement is repeated, the implementations taking turns.
    private let roundCount = 25
    private let secondsPerMeasurement: Double

    init(secondsPerMeasurement: Double = 0.02) async throws {
        work = try await CollectorWork()
        self.secondsPerMeasurement = secondsPerMeasurement
    }

    func run() throws {
        var peer = JanssonPeer(
            trace: CollectorWork.trace,
            release: CollectorVersion.current,
            nowMilliseconds: CollectorWork.nowMilliseconds,
            runStartMilliseconds: CollectorWork.nowMilliseconds
        )
        for input in WorkInput.all { try compare(input, with: &peer) }
        var totals = Table(
            "event",
            "bytes",
            "collectord ns",
            "± %",
            "jansson ns",
            "± %",
            "jansson / collectord",
            "through a collector ns",
            "jansson / that"
        )
        var steps = Table(
            "event",
            "scan",
            "+ complete",
            "map",
            "serialize",
            "jansson: load",
            "+ complete",
            "+ map",
            "+ dump"
        )
        for input in WorkInput.all {
            let result = measure(input, &peer)
            totals.add(
                input.name,
                String(input.text.count),
                result.work.median.text(),
                (result.work.spreadPercent / 2).text(),
                result.peer[3].median.text(),
                (result.peer[3].spreadPercent / 2).text(),
                (result.peer[3].median / result.work.median).text(decimals: 2),
                result.whole.median.text(),
                (result.peer[3].median / result.whole.median).text(decimals: 2)
            )
            let cells = (result.steps + result.peer).map { $0.median.text() }
            steps.add(input.name, cells[0], cells[1], cells[2], cells[3], cells[4], cells[5], cells[6], cells[7])
        }
        print("## Event work: scan, complete, ask consent, map, serialize; ns per event\n")
        totals.show()
        print(
            "Through a collector: with its queues, locks, outcomes and counts, of which jansson's program has none.\n"
        )
        print("The steps, ns per event. Columns with + include what stands before them.\n")
        steps.show()
    }

    /// Does nothing but the work, for a profiler to look at; so many events that two runs can be compared.
    func profile(eventCount: Int, throughCollector isThroughCollector: Bool) {
        WorkInput.product.text.withUnsafeBufferPointer { bytes in
            for _ in 0..<eventCount { _ = isThroughCollector ? work.push(bytes) : work.work(bytes) }
        }
    }

    /// Both implementations must make the same of an event.
    private func compare(_ input: WorkInput, with peer: inout JanssonPeer) throws {
        guard let delivery = work.output(of: input.text), let other = peer.output(of: input.text) else {
            throw BenchmarkError("\(input.name): no output")
        }
        guard String(decoding: delivery.event.json, as: UTF8.self) == other.event else {
            throw BenchmarkError(
                "\(input.name): events differ\n\(String(decoding: delivery.event.json, as: UTF8.self))\n\(other.event)"
            )
        }
        guard delivery.data.description == other.data else {
            throw BenchmarkError("\(input.name): data differ\n\(delivery.data)\n\(other.data)")
        }
    }

    private struct Result {
        var work = Samples()
        var whole = Samples()
        var steps = Array(repeating: Samples(), count: 4)
        var peer = Array(repeating: Samples(), count: 4)
    }

    private func measure(_ input: WorkInput, _ peer: inout JanssonPeer) -> Result {
        var result = Result()
        let parts = parts(of: input)
        var text: [UInt8] = []
        input.text.withUnsafeBufferPointer { bytes in
            for _ in 0..<roundCount {
                result.work.add(time { work.work(bytes) })
                result.whole.add(time { work.push(bytes) })
                for (number, stage) in [JanssonPeer.Stage.load, .complete, .map, .serialize].enumerated() {
                    result.peer[number].add(time { peer.work(on: bytes, through: stage) })
                }
                result.steps[0].add(time { work.scan(bytes) })
                result.steps[1].add(time { work.complete(bytes) })
                guard let parts else { continue }
                result.steps[2].add(
                    time {
                        work.mapping.map(parts.event, consent: [:], nowMilliseconds: CollectorWork.nowMilliseconds)
                            .failureCount + 1
                    }
                )
                result.steps[3].add(
                    time {
                        text.removeAll(keepingCapacity: true)
                        parts.mapped.appendJSON(to: &text)
                        return text.count
                    }
                )
            }
        }
        return result
    }

    private func time(_ work: () -> Int) -> Double {
        Stopwatch.nanosecondsPerRepetition(ofSeconds: secondsPerMeasurement, work)
    }

    /// The event as the mapping gets it, and as it leaves it.
    private func parts(of input: WorkInput) -> (event: Event, mapped: Event)? {
        guard let delivery = work.completed(input.text) else { return nil }
        let mapped = work.mapping.map(delivery, consent: [:], nowMilliseconds: CollectorWork.nowMilliseconds)
        return (delivery, mapped.event)
    }
}
