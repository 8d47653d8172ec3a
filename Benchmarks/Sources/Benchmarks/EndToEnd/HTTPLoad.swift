/// What `wrk` sends as fast as it can, and what came of it.
struct HTTPLoad {
    /// What happened in one run.
    struct Result {
        let requestsPerSecond: Double
        let requestCount: Int
        /// Of an answer; every connection asks again when it has one.
        let medianMilliseconds: Double
        let percentile99Milliseconds: Double
    }

    let body: [UInt8]
    let seconds: Int
    let connectionCount = 64

    /// Posts the body to a URL on many connections; every answer must be a success.
    func run(url: String, bodyFile: String) throws -> Result {
        try TextFile.write(body, to: bodyFile)
        let output = try ChildProcess.output(
            of: CorePlan.client([
                "wrk", "-t", "1", "-c", String(connectionCount), "-d", "\(seconds)s", "--timeout", "30s",
                "-s", Program.peersFolder + "/post.lua", url,
            ]),
            environment: ["BODY_FILE": bodyFile]
        )
        var figures: [Substring: Int] = [:]
        for word in output.split(separator: "\n").last(where: { $0.hasPrefix("result ") })?.split(separator: " ") ?? []
        {
            let parts = word.split(separator: "=")
            if parts.count == 2 { figures[parts[0]] = Int(parts[1]) }
        }
        guard let requests = figures["requests"], let microseconds = figures["microseconds"], requests > 0,
            figures["refused"] == 0, figures["broken"] == 0, let median = figures["p50"], let late = figures["p99"]
        else { throw BenchmarkError("wrk on \(url) said: \(output)") }
        return Result(
            requestsPerSecond: Double(requests) / Double(microseconds) * 1e6,
            requestCount: requests,
            medianMilliseconds: Double(median) / 1e3,
            percentile99Milliseconds: Double(late) / 1e3
        )
    }
}
