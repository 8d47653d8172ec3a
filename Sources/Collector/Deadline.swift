import Synchronization

/// Waits for something, but not for ever.
enum Deadline {
    /// Runs the work and returns true, or returns false once the time is up. The work is then left to itself.
    static func run(
        _ limit: Duration,
        time: CollectorTime,
        _ work: @escaping @Sendable () async -> Void
    ) async -> Bool {
        await withCheckedContinuation { continuation in
            let waiter = Mutex<CheckedContinuation<Bool, Never>?>(continuation)
            let box = WaiterBox(waiter)
            let timer = Task {
                try await time.sleep(limit)
                box.resume(false)
            }
            Task {
                await work()
                timer.cancel()
                box.resume(true)
            }
        }
    }
}

/// Resumes a continuation once, whoever comes first.
private final class WaiterBox: Sendable {
    private let waiter: Mutex<CheckedContinuation<Bool, Never>?>

    init(_ waiter: consuming Mutex<CheckedContinuation<Bool, Never>?>) {
        self.waiter = waiter
    }

    func resume(_ value: Bool) {
        let continuation = waiter.withLock { exchange(&$0, with: nil) }
        continuation?.resume(returning: value)
    }
}
