#if canImport(Darwin)
import Darwin
#elseif canImport(Musl)
import Musl
#else
import Glibc
#endif

/// Sockets that whoever started the process has opened for it, as systemd does
/// ([sd_listen_fds](https://www.freedesktop.org/software/systemd/man/latest/sd_listen_fds.html)).
enum InheritedSockets {
    private static let firstDescriptor: Int32 = 3

    /// Their descriptors; empty if there are none, or if they are meant for another process.
    static func descriptors(_ variable: (String) -> String?) -> [Int32] {
        guard variable("LISTEN_PID").flatMap({ Int32($0) }) == getpid(),
            let count = variable("LISTEN_FDS").flatMap({ Int32($0) }), 1...64 ~= count
        else { return [] }
        return (firstDescriptor..<firstDescriptor + count).filter { descriptor in
            // Programs that this one starts do not get them.
            fcntl(descriptor, F_SETFD, FD_CLOEXEC) == 0 && isListening(descriptor)
        }
    }

    private static func isListening(_ descriptor: Int32) -> Bool {
        var value: Int32 = 0
        var size = socklen_t(MemoryLayout<Int32>.size)
        return getsockopt(descriptor, SOL_SOCKET, SO_ACCEPTCONN, &value, &size) == 0 && value != 0
    }

    /// Whether the socket is a unix socket, which needs no TLS.
    static func isLocal(_ descriptor: Int32) -> Bool {
        var address = sockaddr()
        var size = socklen_t(MemoryLayout<sockaddr>.size)
        return getsockname(descriptor, &address, &size) == 0 && address.sa_family == sa_family_t(AF_UNIX)
    }
}
