/// `redis-benchmark`, the server's own measuring tool.
struct RedisBenchmarkTool {
    let socketPath: String
    let text: String

    /// Commands per second of XADD, as the tool says.
    func commandsPerSecond(count: Int, clients: Int, pipeline: Int) throws -> Double {
        let output = try ChildProcess.output(of: [
            "redis-benchmark", "-s", socketPath, "-q", "-n", String(count), "-c", String(clients), "-P",
            String(pipeline),
            "XADD", "bench:tool", "MAXLEN", "~", "1000", "*", "event", text,
        ])
        // … : 363636.34 requests per second, p50=…
        guard let end = output.ranges(of: " requests per second").last?.lowerBound,
            let number = output[..<end].split(separator: " ").last.flatMap({ Double($0) })
        else { throw BenchmarkError("redis-benchmark said: \(output)") }
        return number
    }
}
