import Glibc

/// How much of the machine was ours: what others do on shared cores shows in every figure.
struct MachineNoise {
    private let start = ContinuousClock.now
    private let loadBefore = Self.loadAverage()
    private let shareBefore = Self.processorSharePercent()

    /// Says how busy the machine was at the beginning and is now.
    func report() {
        let minutes = (ContinuousClock.now - start).seconds / 60
        print(
            """
            Machine: \(sysconf(Int32(_SC_NPROCESSORS_ONLN))) cores. Load average \(loadBefore) at the start, \
            \(Self.loadAverage()) at the end. A busy thread got \(shareBefore.text()) % of a core at the start, \
            \(Self.processorSharePercent().text()) % at the end. \(minutes.text(decimals: 1)) minutes. \
            ± is half the distance of the extremes.
            """
        )
    }

    private static func loadAverage() -> String {
        var averages = [0.0]
        return getloadavg(&averages, 1) == 1 ? averages[0].text(decimals: 2) : "?"
    }

    /// The part of a core that a thread gets which asks for all of it, for a fifth of a second.
    private static func processorSharePercent() -> Double {
        let begin = ContinuousClock.now
        let spent = Stopwatch.threadSeconds()
        while (ContinuousClock.now - begin).seconds < 0.2 {}
        return (Stopwatch.threadSeconds() - spent) / (ContinuousClock.now - begin).seconds * 100
    }
}
