/// Runs what blocks on a thread of its own, so that other tests go on meanwhile.
///
/// ```swift
/// let cluster = try await BlockingWork.run { try RedisTestCluster(primaryCount: 3) }
/// ```
public enum BlockingWork {
    /// Runs the closure and returns what it returns.
    ///
    /// - Throws: what the closure throws.
    public static func run<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws -> Value {
        try await withCheckedThrowingContinuation { continuation in
            TestThread.start { continuation.resume(with: Result { try body() }) }
        }
    }

    /// Runs the closure, which does not throw, and returns what it returns.
    public static func run<Value: Sendable>(_ body: @escaping @Sendable () -> Value) async -> Value {
        await withCheckedContinuation { continuation in
            TestThread.start { continuation.resume(returning: body()) }
        }
    }
}
