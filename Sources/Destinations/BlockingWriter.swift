import Dispatch
import Synchronization

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// Writes to a file descriptor on a thread of its own, so that a slow disk or a full pipe blocks nobody else.
///
/// Either all of the bytes are written, or, for a regular file, none: after a failure the file is cut back to where it
/// was, so that no half line stays. A write that is cancelled may still be done later; until then no other begins.
final class BlockingWriter: Sendable {
    /// Why nothing was written.
    struct Failure: Error, CustomStringConvertible {
        /// The number that the operating system gave.
        let number: Int32
        /// What failed, and the system's words for it.
        let description: String

        init(_ action: String, number: Int32) {
            self.number = number
            self.description = "\(action): \(String(cString: strerror(number)))"
        }

        /// Whether trying again may help: the disk is full, or busy, or nobody reads.
        var isTransient: Bool { [ENOSPC, EDQUOT, EAGAIN, EBUSY, ECANCELED, EINTR, EIO].contains(number) }
    }

    private let queue: DispatchQueue
    private let descriptor: Int32
    private let isWriting = Atomic(false)

    /// A writer to an open descriptor, which stays the caller's to close.
    init(descriptor: Int32, label: String) {
        self.descriptor = descriptor
        queue = DispatchQueue(label: label)
    }

    /// Writes all of the bytes after those of earlier calls.
    func write(_ bytes: [UInt8]) async throws(Failure) {
        guard !isWriting.exchange(true, ordering: .acquiringAndReleasing) else {
            throw Failure("a write that was cancelled has not ended", number: EBUSY)
        }
        let answer = Answer()
        let result = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                answer.wait(continuation)
                queue.async {
                    let result = self.writeAll(bytes)
                    self.isWriting.store(false, ordering: .releasing)
                    answer.give(result)
                }
            }
        } onCancel: {
            answer.give(.failure(Failure("write", number: ECANCELED)))
        }
        try result.get()
    }

    /// The result of a write, or of its cancellation, whichever comes first.
    private final class Answer: Sendable {
        private struct State {
            var result: Result<Void, Failure>?
            var continuation: CheckedContinuation<Result<Void, Failure>, Never>?
        }

        private let state = Mutex(State())

        func wait(_ continuation: CheckedContinuation<Result<Void, Failure>, Never>) {
            let result = state.withLock { state in
                if state.result == nil { state.continuation = continuation }
                return state.result
            }
            if let result { continuation.resume(returning: result) }
        }

        func give(_ result: Result<Void, Failure>) {
            let continuation = state.withLock { state in
                if state.result != nil { return nil as CheckedContinuation<Result<Void, Failure>, Never>? }
                state.result = result
                return state.continuation
            }
            continuation?.resume(returning: result)
        }
    }

    private func writeAll(_ bytes: [UInt8]) -> Result<Void, Failure> {
        let start = lseek(descriptor, 0, SEEK_END)
        var written = 0
        while written < bytes.count {
            let count = bytes[written...].withUnsafeBytes { systemWrite(descriptor, $0.baseAddress, $0.count) }
            if count > 0 {
                written += count
            } else if errno != EINTR {
                let failure = Failure("write", number: errno)
                if start >= 0, written > 0 { _ = ftruncate(descriptor, start) }
                return .failure(failure)
            }
        }
        return .success(())
    }
}

/// `write(2)` under a name that does not clash with the method above.
private func systemWrite(_ descriptor: Int32, _ bytes: UnsafeRawPointer?, _ count: Int) -> Int {
    write(descriptor, bytes, count)
}
