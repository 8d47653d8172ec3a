import NIOCore

#if canImport(Darwin)
import Darwin
#elseif canImport(Musl)
import Musl
#else
import Glibc
#endif

/// The file of a Unix domain socket that this server listens on.
struct HTTPSocketFile: Sendable {
    private let path: String
    private let mark: HTTPFileMark

    /// Takes the file of a socket that was just bound.
    private init(boundAt path: String) throws {
        guard chmod(path, 0o660) == 0 else { throw IOError(errnoCode: errno, reason: "chmod") }
        // Written now, to the nanosecond: the time that the file system notes is too coarse to tell this file from the
        // next one, which may get the same number.
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        guard utimensat(AT_FDCWD, path, [now, now], 0) == 0 else {
            throw IOError(errnoCode: errno, reason: "utimensat")
        }
        self.path = path
        self.mark = HTTPFileMark(path)
    }

    /// Makes a socket and its file, which only its owner and group may use; nobody listens yet.
    ///
    /// Not left to NIO, which removes at the end whatever lies at the path.
    static func make(_ path: String) throws -> (descriptor: NIOBSDSocket.Handle, file: HTTPSocketFile) {
        try self.clear(path)
        let descriptor = try self.makeSocket()
        do {
            let result = try SocketAddress(unixDomainSocketPath: path).withSockAddr { address, byteCount in
                bind(descriptor, address, socklen_t(byteCount))
            }
            guard result == 0 else { throw IOError(errnoCode: errno, reason: "bind") }
            do {
                return (descriptor, try HTTPSocketFile(boundAt: path))
            } catch {
                unlink(path)
                throw error
            }
        } catch {
            close(descriptor)
            throw error
        }
    }

    /// Removes the file, unless another has taken its place.
    func remove() {
        if HTTPFileMark(self.path) == self.mark { unlink(self.path) }
    }

    /// Makes room for a new socket: removes one that nobody listens on any more.
    ///
    /// Throws ``HTTPServerError/socketFileUnusable(_:reason:)``.
    private static func clear(_ path: String) throws {
        func unusable(_ reason: String) -> HTTPServerError {
            .socketFileUnusable(.unixSocket(path: path), reason: reason)
        }
        var status = stat()
        // What else is wrong with the path, binding will tell.
        guard lstat(path, &status) == 0 else { return }
        guard status.st_mode & S_IFMT == S_IFSOCK else {
            throw unusable("the file there is no socket. Remove it, or choose another path")
        }
        switch try self.connectionError(path) {
        case ECONNREFUSED:
            guard unlink(path) == 0 || errno == ENOENT else {
                throw unusable("the socket that an earlier process left cannot be removed (error \(errno))")
            }
        case ENOENT:
            break
        case 0, EAGAIN, EINPROGRESS, EPROTOTYPE:
            throw unusable("another process listens there. Stop it, or choose another path")
        case let error:
            throw unusable("nobody can tell whether another process listens there (error \(error)). Remove the file")
        }
    }

    /// Why a connection to the socket fails; 0 when it does not.
    ///
    /// Does not wait: a listener whose queue is full answers `EAGAIN`.
    private static func connectionError(_ path: String) throws -> Int32 {
        let descriptor = try self.makeSocket()
        defer { close(descriptor) }
        let result = try SocketAddress(unixDomainSocketPath: path).withSockAddr { address, byteCount in
            connect(descriptor, address, socklen_t(byteCount))
        }
        return result == 0 ? 0 : errno
    }

    private static func makeSocket() throws -> NIOBSDSocket.Handle {
        #if canImport(Musl) || canImport(Darwin)
        let type = SOCK_STREAM
        #else
        let type = Int32(SOCK_STREAM.rawValue)
        #endif
        let descriptor = socket(AF_UNIX, type, 0)
        guard descriptor >= 0 else { throw IOError(errnoCode: errno, reason: "socket") }
        guard fcntl(descriptor, F_SETFL, O_NONBLOCK) == 0, fcntl(descriptor, F_SETFD, FD_CLOEXEC) == 0 else {
            let error = IOError(errnoCode: errno, reason: "fcntl")
            close(descriptor)
            throw error
        }
        return descriptor
    }
}
