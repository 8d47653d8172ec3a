import Dispatch
import Synchronization

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// Runs what blocks on a queue, one call at a time, and does not wait for it longer than its task may.
///
/// A call whose task is cancelled goes on; until it ends no other begins, so that what waits does not pile up behind a
/// disk that hangs or a pipe that nobody reads.
final class CancellableWork: Sendable {
    /// How long a cancelled task still waits.
    private static let graceMilliseconds = 500

    private let queue: DispatchQueue
    private let isBusy = Atomic(false)

    init(on queue: DispatchQueue) {
        self.queue = queue
    }

    /// The closure's value.
    ///
    /// - Throws: a transient failure when the task is cancelled, or when an earlier call has not ended.
    func run<Value: Sendable>(_ body: @escaping @Sendable () -> Value) async throws(WriteFailure) -> Value {
        guard !isBusy.exchange(true, ordering: .acquiringAndReleasing) else {
            throw WriteFailure("a write that was cancelled has not ended", isTransient: true)
        }
        let answer = Answer<Value>()
        let result = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                answer.wait(continuation)
                queue.async {
                    let value = body()
                    self.isBusy.store(false, ordering: .releasing)
                    answer.give(.success(value))
                }
            }
        } onCancel: {
            // Most calls end soon, and then it is known what they did.
            DispatchQueue.global().asyncAfter(deadline: .now() + .milliseconds(Self.graceMilliseconds)) {
                answer.give(.failure(WriteFailure("write", number: ECANCELED)))
            }
        }
        return try result.get()
    }

    /// The end of a call, or its cancellation, whichever comes first.
    private final class Answer<Value: Sendable>: Sendable {
        typealias End = Result<Value, WriteFailure>

        private let state = Mutex<(end: End?, continuation: CheckedContinuation<End, Never>?)>((nil, nil))

        func wait(_ continuation: CheckedContinuation<End, Never>) {
            let end = state.withLock { state in
                if state.end == nil { state.continuation = continuation }
                return state.end
            }
            if let end { continuation.resume(returning: end) }
        }

        func give(_ end: End) {
            let continuation = state.withLock { state -> CheckedContinuation<End, Never>? in
                if state.end != nil { return nil }
                state.end = end
                return state.continuation
            }
            continuation?.resume(returning: end)
        }
    }
}
