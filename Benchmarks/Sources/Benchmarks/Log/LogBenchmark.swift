import DurableLog
import Glibc
import Synchronization

/// Measures durable appends of 600 bytes beside a bare loop that writes as many bytes at once and makes them durable.
struct LogBenchmark {
    private let roundCount = 5
    private let seconds = 0.5
    private let messageByteCount = 600
    private let callerCounts = [1, 64, 1_000]
    private let streamCount = 64
    private let readByteCount = 1 << 30

    /// The figures of one number of callers.
    private struct Figures {
        var bare = Samples(), awaited = Samples(), calledBack = Samples(), manyStreams = Samples()
    }

    func run() async throws {
        // Not in /tmp, which may be memory.
        let directory = (getenv("BENCHMARK_DIRECTORY").map { String(cString: $0) } ?? "/var/tmp") + "/log-\(getpid())"
        let store = try DurableStreamStore(directory: directory)
        do {
            for number in 0..<streamCount { try await store.create("stream \(number)") }
            var figures = callerCounts.map { _ in Figures() }
            for round in 0...roundCount {
                for (place, callerCount) in callerCounts.enumerated() {
                    let bare = try bareLoop(directory + ".bare", batchCount: callerCount)
                    let awaited = try await awaiting(store, callerCount)
                    let calledBack = await callingBack(store, callerCount, streamCount: 1)
                    let manyStreams = await callingBack(store, callerCount, streamCount: streamCount)
                    // The first round warms up.
                    if round == 0 { continue }
                    figures[place].bare.add(bare)
                    figures[place].awaited.add(awaited)
                    figures[place].calledBack.add(calledBack)
                    figures[place].manyStreams.add(manyStreams)
                }
            }
            show(figures)
            try await showReading(store, directory)
        } catch {
            await store.close()
            _ = try? ChildProcess.output(of: ["rm", "-rf", directory])
            throw error
        }
        _ = try ChildProcess.output(of: ["rm", "-rf", directory])
    }

    private func show(_ figures: [Figures]) {
        print("## log: durable appends of \(messageByteCount) bytes\n")
        var table = Table("callers", "way", "appends/s", "± %", "of the bare loop")
        for (callerCount, figures) in zip(callerCounts, figures) {
            let ways = [
                ("pwrite and fdatasync, bare", figures.bare), ("awaiting tasks", figures.awaited),
                ("callbacks", figures.calledBack), ("callbacks, \(streamCount) streams", figures.manyStreams),
            ]
            for (name, samples) in ways {
                table.add(
                    "\(callerCount)",
                    name,
                    samples.median.text(),
                    (samples.spreadPercent / 2).text(),
                    (samples.median / figures.bare.median).text(decimals: 2)
                )
            }
        }
        table.show()
        if let single = figures.first?.bare.median, single > 0 {
            print("A bare write and fdatasync took \((1_000 / single).text(decimals: 2)) ms.\n")
        }
    }

    /// Fills the store to a gigabyte, opens it again, and reads.
    private func showReading(_ store: DurableStreamStore, _ directory: String) async throws {
        while store.statistics().segmentByteCount < UInt64(readByteCount) {
            _ = await callingBack(store, 1_000, streamCount: 1)
        }
        await store.close()
        let start = ContinuousClock.now
        let again = try DurableStreamStore(directory: directory)
        let opening = (ContinuousClock.now - start).seconds
        let reading = ContinuousClock.now
        var next = StreamOffset.zero
        var byteCount = 0
        while true {
            let page = try await again.read("stream 0", from: next)
            byteCount += page.bytes.count
            if page.isUpToDate { break }
            next = page.next
        }
        let megabytesPerSecond = Double(byteCount) / 1e6 / (ContinuousClock.now - reading).seconds
        await again.close()
        print(
            "A store of a gigabyte opened in \((opening * 1_000).text()) ms, and was read at \(megabytesPerSecond.text()) MB/s.\n"
        )
    }

    /// Appends per second when nothing is done but to write and to wait for the disk.
    private func bareLoop(_ path: String, batchCount: Int) throws -> Double {
        let fileByteCount = 64 << 20
        let descriptor = open(path, O_RDWR | O_CREAT | O_TRUNC, 0o600)
        guard descriptor >= 0 else { throw BenchmarkError("\(path) cannot be made") }
        // Written once, as a file of the log that is used again.
        let zeros = [UInt8](repeating: 0, count: 1 << 20)
        for number in 0..<64 { pwrite(descriptor, zeros, zeros.count, off_t(number << 20)) }
        fsync(descriptor)
        let bytes = [UInt8](repeating: 7, count: messageByteCount * batchCount)
        var offset = 0
        var count = 0
        let start = ContinuousClock.now
        while (ContinuousClock.now - start).seconds < seconds {
            if offset + bytes.count > fileByteCount { offset = 0 }
            guard pwrite(descriptor, bytes, bytes.count, off_t(offset)) == bytes.count, fdatasync(descriptor) == 0
            else {
                throw BenchmarkError("\(path) cannot be written")
            }
            offset += bytes.count
            count += batchCount
        }
        let rate = Double(count) / (ContinuousClock.now - start).seconds
        close(descriptor)
        unlink(path)
        return rate
    }

    /// Appends per second of tasks that each await one append after the other.
    private func awaiting(_ store: DurableStreamStore, _ callerCount: Int) async throws -> Double {
        let bytes = [UInt8](repeating: 7, count: messageByteCount)
        let start = ContinuousClock.now
        let end = start + .seconds(seconds)
        let count = try await withThrowingTaskGroup(of: Int.self) { group in
            for _ in 0..<callerCount {
                group.addTask {
                    var count = 0
                    while ContinuousClock.now < end {
                        try await store.append(bytes, to: "stream 0")
                        count += 1
                    }
                    return count
                }
            }
            return try await group.reduce(0, +)
        }
        return Double(count) / (ContinuousClock.now - start).seconds
    }

    /// Appends per second of callers that append again as soon as they are called back.
    private func callingBack(_ store: DurableStreamStore, _ callerCount: Int, streamCount: Int) async -> Double {
        let start = ContinuousClock.now
        let end = start + .seconds(seconds)
        let counts = await withTaskGroup(of: Int.self) { group in
            for number in 0..<callerCount {
                group.addTask {
                    await withCheckedContinuation { continuation in
                        RepeatedAppend(store, "stream \(number % streamCount)", messageByteCount, until: end) {
                            continuation.resume(returning: $0)
                        }.next()
                    }
                }
            }
            return await group.reduce(0, +)
        }
        return Double(counts) / (ContinuousClock.now - start).seconds
    }
}

/// A caller that appends again as soon as it is called back.
private final class RepeatedAppend: Sendable {
    private let store: DurableStreamStore
    private let name: String
    private let bytes: [UInt8]
    private let end: ContinuousClock.Instant
    private let count = Atomic(0)
    private let done: @Sendable (Int) -> Void

    init(
        _ store: DurableStreamStore,
        _ name: String,
        _ byteCount: Int,
        until end: ContinuousClock.Instant,
        done: @escaping @Sendable (Int) -> Void
    ) {
        self.store = store
        self.name = name
        self.end = end
        self.done = done
        bytes = [UInt8](repeating: 7, count: byteCount)
    }

    func next() {
        bytes.withUnsafeBytes { bytes in
            store.append(bytes, to: name, AppendOptions()) { result in
                let count = self.count.add(1, ordering: .relaxed).newValue
                guard case .success = result, ContinuousClock.now < self.end else { return self.done(count) }
                self.next()
            }
        }
    }
}
