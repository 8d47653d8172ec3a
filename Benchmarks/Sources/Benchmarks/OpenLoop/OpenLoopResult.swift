/// How an open loop was answered.
struct OpenLoopResult {
    /// Answers per second, until the last one.
    let requestsPerSecond: Double
    private let sortedNanoseconds: [Int]

    init(requestsPerSecond: Double, latenciesNanoseconds: [Int]) {
        self.requestsPerSecond = requestsPerSecond
        sortedNanoseconds = latenciesNanoseconds.sorted()
    }

    /// The time within which that share of the requests was answered, in milliseconds; 100 for the longest.
    func milliseconds(percentile: Double) -> Double {
        guard !sortedNanoseconds.isEmpty else { return 0 }
        let rank = Int((Double(sortedNanoseconds.count) * percentile / 100).rounded(.up))
        return Double(sortedNanoseconds[min(max(rank, 1), sortedNanoseconds.count) - 1]) / 1e6
    }
}
