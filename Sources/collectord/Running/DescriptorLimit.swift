#if canImport(Darwin)
import Darwin
#elseif canImport(Musl)
import Musl
#else
import Glibc
#endif

/// How many files and connections the process may have open.
enum DescriptorLimit {
    #if canImport(Glibc)
    private static var resource: __rlimit_resource_t { __rlimit_resource_t(RLIMIT_NOFILE.rawValue) }
    #else
    private static var resource: Int32 { RLIMIT_NOFILE }
    #endif
    /// What connections leave to the log, the destinations and the runtime, if there are that many.
    private static let reservedCount = 256

    /// Takes as many as the system allows: shells allow 1 024 at first, which 10 000 connections do not fit in.
    static func raise() {
        var limit = rlimit()
        guard getrlimit(resource, &limit) == 0, limit.rlim_cur < limit.rlim_max else { return }
        limit.rlim_cur = limit.rlim_max
        // Where it cannot be had, there are fewer connections at a time.
        _ = setrlimit(resource, &limit)
    }

    /// How many connections there may be at a time. They leave descriptors to the log: without one for its next file it
    /// would have to refuse events.
    static var connectionCount: Int {
        var limit = rlimit()
        guard getrlimit(resource, &limit) == 0 else { return .max }
        let count = Int(clamping: limit.rlim_cur)
        return max(1, count - min(reservedCount, count / 8 * 5))
    }
}
