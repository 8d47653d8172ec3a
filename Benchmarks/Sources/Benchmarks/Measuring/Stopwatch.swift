import Glibc

/// Measures how long work takes.
enum Stopwatch {
    /// The seconds that the work takes.
    static func seconds(_ work: () -> Void) -> Double {
        let start = ContinuousClock.now
        work()
        return (ContinuousClock.now - start).seconds
    }

    /// Nanoseconds of this thread's CPU time per repetition, of about that many seconds of repetitions.
    ///
    /// CPU time, because on a shared machine the wall clock also counts what others do meanwhile.
    static func nanosecondsPerRepetition(ofSeconds duration: Double, _ work: () -> Int) -> Double {
        var repetitions = 0
        var outputCount = 0
        let start = threadSeconds()
        var elapsed = 0.0
        repeat {
            for _ in 0..<256 { outputCount &+= work() }
            repetitions += 256
            elapsed = threadSeconds() - start
        } while elapsed < duration
        precondition(outputCount > 0, "the measured work has no result")
        return elapsed * 1e9 / Double(repetitions)
    }

    /// CPU seconds of this thread.
    static func threadSeconds() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }
}

extension Duration {
    /// The duration in seconds.
    var seconds: Double {
        Double(components.seconds) + Double(components.attoseconds) / 1e18
    }
}
