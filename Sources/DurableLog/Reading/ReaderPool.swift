import DequeModule
import Synchronization

/// Threads that read files, so that nobody else waits for the disk.
final class ReaderPool: SegmentReading {
    private struct State {
        var jobs: Deque<@Sendable () -> Void> = []
        var isStopping = false
    }

    private let state = Mutex(State())
    private let signal = ThreadSignal()
    private let ended = ThreadSignal()
    private let threadCount: Int
    private let reader: SegmentReader

    init(_ reader: SegmentReader, threadCount: Int) {
        self.reader = reader
        self.threadCount = max(1, threadCount)
        for _ in 0..<self.threadCount { StoreThread.start("log reader") { self.run() } }
    }

    func read(_ plan: ReadPlan, passingOverMissingFiles: Bool, completion: @escaping StoreCompletion<StreamPage>) {
        let accepted = state.withLock { state in
            guard !state.isStopping else { return false }
            state.jobs.append { completion(self.reader.page(plan, passingOverMissingFiles)) }
            return true
        }
        guard accepted else {
            completion(.failure(.storeClosed))
            return
        }
        signal.raise()
    }

    /// Does what waits, and ends.
    func stop() {
        state.withLock { $0.isStopping = true }
        for _ in 0..<threadCount { signal.raise() }
        for _ in 0..<threadCount { ended.wait() }
    }

    private func run() {
        while true {
            signal.wait()
            let (job, isStopping) = state.withLock { state in (state.jobs.popFirst(), state.isStopping) }
            if let job {
                job()
                // One signal for each job, and one for each thread at the end.
                if isStopping { signal.raise() }
            } else if isStopping {
                break
            }
        }
        ended.raise()
    }
}
