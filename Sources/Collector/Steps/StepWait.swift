/// Brings a way that waits for something to its end, within a time limit for all of it.
enum StepWait {
    /// A way and how it ended.
    struct End: Sendable {
        let run: StepRun
        let progress: StepRun.Progress
    }

    /// Goes on until the way has finished or failed; reports once, on whatever thread brings the end.
    static func begin(
        _ run: StepRun,
        _ operation: StepOperation,
        milliseconds: Int,
        time: CollectorTime,
        report: @escaping @Sendable (End) -> Void
    ) {
        // A step that does not return is not waited for: it must not hold the way.
        LimitedCall.start(
            milliseconds: milliseconds,
            time: time,
            work: { await end(run, operation) },
            onLimit: {
                report(End(run: run, progress: .failed(.failed("timed out after \(milliseconds)ms"))))
            },
            onEnd: { end, isLate in if !isLate { report(end) } }
        )
    }

    private static func end(_ run: StepRun, _ operation: StepOperation) async -> End {
        var run = run
        var operation = operation
        while true {
            let progress: StepRun.Progress
            do throws(StepFailure) {
                progress = run.resume(try await operation.answer())
            } catch {
                return End(run: run, progress: .failed(error))
            }
            guard case .waiting(let next) = progress else { return End(run: run, progress: progress) }
            operation = next
        }
    }
}
