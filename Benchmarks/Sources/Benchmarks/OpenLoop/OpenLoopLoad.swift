import CEpoll
import Glibc

/// Requests at fixed times, whatever becomes of those before them.
///
/// A request's latency counts from the time at which it was due, also if its connection was busy then: a server that
/// stops for a second spoils all that was due in that second, not one request of each connection.
struct OpenLoopLoad {
    let port: Int
    let path: String
    let body: [UInt8]
    let requestsPerSecond: Int
    let seconds: Int
    let connectionCount = 64

    /// Sends all requests from one thread and waits for their answers; each must be a success.
    func run() throws -> OpenLoopResult {
        let epoll = epoll_create1(Int32(EPOLL_CLOEXEC))
        let timer = timerfd_create(CLOCK_MONOTONIC, Int32(O_NONBLOCK | O_CLOEXEC))
        defer {
            close(epoll)
            close(timer)
        }
        guard epoll >= 0, timer >= 0 else { throw BenchmarkError("no epoll: \(String(cString: strerror(errno)))") }
        var connections: [OpenLoopConnection] = []
        defer { for connection in connections { close(connection.descriptor) } }
        for number in 0..<connectionCount {
            let connection = OpenLoopConnection(descriptor: try LoopbackSocket.connect(port: port))
            connections.append(connection)
            try Self.watch(connection.descriptor, as: number, in: epoll)
        }
        try Self.watch(timer, as: connectionCount, in: epoll)
        return try send(on: &connections, epoll, timer)
    }

    private func send(on connections: inout [OpenLoopConnection], _ epoll: Int32, _ timer: Int32) throws
        -> OpenLoopResult
    {
        let requestCount = requestsPerSecond * seconds
        let intervalNanoseconds = 1_000_000_000 / requestsPerSecond
        let request = HTTPRequestText.post(path, body)
        var latencies: [Int] = []
        latencies.reserveCapacity(requestCount)
        var ready = Array(repeating: epoll_event(), count: connectionCount + 1)
        var sentCount = 0
        let start = Self.nanoseconds() + 20_000_000
        let patience = start + (seconds + 30) * 1_000_000_000
        Self.startTimer(timer, intervalNanoseconds: intervalNanoseconds)
        var now = start
        while latencies.count < requestCount {
            let readyCount = epoll_wait(epoll, &ready, Int32(ready.count), 1000)
            now = Self.nanoseconds()
            for event in ready.prefix(Int(max(0, readyCount))) {
                let number = Int(event.data.u32)
                if number == connectionCount {
                    var expirations: UInt64 = 0
                    _ = read(timer, &expirations, MemoryLayout<UInt64>.size)
                } else if let due = try connections[number].receive() {
                    latencies.append(Self.nanoseconds() - due)
                    try connections[number].sendNext(request)
                }
            }
            while sentCount < requestCount, start + sentCount * intervalNanoseconds <= now {
                let number = sentCount % connectionCount
                connections[number].waiting.append(start + sentCount * intervalNanoseconds)
                try connections[number].sendNext(request)
                sentCount += 1
            }
            guard now < patience else {
                throw BenchmarkError("\(requestCount - latencies.count) requests to port \(port) were not answered")
            }
        }
        return OpenLoopResult(
            requestsPerSecond: Double(requestCount) / (Double(Self.nanoseconds() - start) / 1e9),
            latenciesNanoseconds: latencies
        )
    }

    private static func watch(_ descriptor: Int32, as number: Int, in epoll: Int32) throws {
        var event = epoll_event(events: EPOLLIN.rawValue, data: epoll_data_t(u32: UInt32(number)))
        guard epoll_ctl(epoll, EPOLL_CTL_ADD, descriptor, &event) == 0 else {
            throw BenchmarkError("cannot watch a connection: \(String(cString: strerror(errno)))")
        }
    }

    private static func startTimer(_ timer: Int32, intervalNanoseconds: Int) {
        // More often than every 50 µs would only take time from the server under the clients.
        let interval = timespec(tv_sec: 0, tv_nsec: max(50_000, min(intervalNanoseconds, 999_999_999)))
        var setting = itimerspec(it_interval: interval, it_value: interval)
        timerfd_settime(timer, 0, &setting, nil)
    }

    private static func nanoseconds() -> Int {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return time.tv_sec * 1_000_000_000 + time.tv_nsec
    }
}
