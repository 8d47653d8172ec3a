import Glibc
import Synchronization

/// A proxy between a client and a server that does to their bytes what bad networks do.
///
/// It listens on a free port of 127.0.0.1 and runs on a thread of its own.
///
/// ```swift
/// let proxy = try FaultProxy(to: server.socketPath)
/// proxy.fault = .slices(byteCount: 1)
/// proxy.fault = .cut(afterReplyBytes: 100)
/// proxy.cutAll()
/// ```
public final class FaultProxy: Sendable {
    /// What happens to the bytes.
    public enum Fault: Sendable, Equatable {
        /// Nothing.
        case none
        /// They disappear, both ways; connections stay open, and new ones are taken.
        case blackHole
        /// They travel in pieces of so many.
        case slices(byteCount: Int)
        /// A connection ends when it has brought so many bytes of replies.
        case cut(afterReplyBytes: Int)
        /// One bit is wrong in every so many bytes of replies.
        case corrupt(everyReplyBytes: Int)
        /// At most so many of them travel per second, both ways, per connection.
        case slow(bytesPerSecond: Int)
        /// Connections end as soon as they are made.
        case refuse
    }

    struct Orders {
        var fault = Fault.none
        var upstream: String
        var cutsAll = false
        var isOver = false
    }

    /// The port on 127.0.0.1.
    public let port: Int
    private let orders: Mutex<Orders>
    private let wakeUp: Int32
    private let counters = Counters()

    /// What has happened so far.
    final class Counters: Sendable {
        let connections = Atomic(0)
        let bytesToServer = Atomic(0)
    }

    /// Listens, and leads to the server behind a unix socket.
    public init(to socketPath: String) throws {
        let (listener, port) = try FaultProxyLoop.listen()
        self.port = port
        var ends: [Int32] = [-1, -1]
        // A socket instead of a pipe: close-on-exec from the start, so that no child of another test holds it open.
        guard socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0, &ends) == 0 else {
            close(listener)
            throw TestSupportError("no socket pair: \(String(cString: strerror(errno)))")
        }
        wakeUp = ends[1]
        orders = Mutex(Orders(upstream: socketPath))
        let read: @Sendable () -> Orders = { [weak self] in
            guard let self else { return Orders(upstream: "", isOver: true) }
            return self.orders.withLock { orders in
                let taken = orders
                orders.cutsAll = false
                return taken
            }
        }
        let loop = FaultProxyLoop(listener: listener, wakeUp: ends[0], counters: counters, readOrders: read)
        TestThread.start { loop.run() }
    }

    deinit {
        // The loop notices that the proxy is gone when its socket ends.
        close(wakeUp)
    }

    /// What happens to the bytes from now on, also of connections that are open.
    public var fault: Fault {
        get { orders.withLock { $0.fault } }
        set { order { $0.fault = newValue } }
    }

    /// Ends all connections at once.
    public func cutAll() {
        order { $0.cutsAll = true }
    }

    /// Leads new connections to another server.
    public func lead(to socketPath: String) {
        order { $0.upstream = socketPath }
    }

    /// How many connections were made so far.
    public var connectionCount: Int { counters.connections.load(ordering: .relaxed) }

    /// How many bytes went to the server so far.
    public var byteCountToServer: Int { counters.bytesToServer.load(ordering: .relaxed) }

    private func order(_ change: (inout Orders) -> Void) {
        orders.withLock { change(&$0) }
        var byte: UInt8 = 1
        _ = send(wakeUp, &byte, 1, Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT))
    }
}
