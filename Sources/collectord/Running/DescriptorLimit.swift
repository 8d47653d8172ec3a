#if canImport(Darwin)
import Darwin
#elseif canImport(Musl)
import Musl
#else
import Glibc
#endif

/// How many files and connections the process may have open.
enum DescriptorLimit {
    /// Takes as many as the system allows: shells allow 1 024 at first, which 10 000 connections do not fit in.
    static func raise() {
        var limit = rlimit()
        #if canImport(Glibc)
        let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
        #else
        let resource = RLIMIT_NOFILE
        #endif
        guard getrlimit(resource, &limit) == 0, limit.rlim_cur < limit.rlim_max else { return }
        limit.rlim_cur = limit.rlim_max
        // Where it cannot be had, accepting pauses when descriptors run out.
        _ = setrlimit(resource, &limit)
    }
}
