import Glibc
import Synchronization

/// The thread of a ``FaultProxy``: takes connections and moves their bytes.
final class FaultProxyLoop: Sendable {
    /// Bytes on their way from one socket to the other.
    private struct Direction {
        var waiting: [UInt8] = []
        var passed = 0
        /// Bytes that may travel now; nil: all.
        var budget: Double?
        var hasEnded = false
    }

    private struct Connection {
        let client: Int32
        let server: Int32
        var toServer = Direction()
        var toClient = Direction()
        var isOver = false
    }

    private let listener: Int32
    private let wakeUp: Int32
    private let counters: FaultProxy.Counters
    private let readOrders: @Sendable () -> FaultProxy.Orders

    init(
        listener: Int32,
        wakeUp: Int32,
        counters: FaultProxy.Counters,
        readOrders: @escaping @Sendable () -> FaultProxy.Orders
    ) {
        self.listener = listener
        self.wakeUp = wakeUp
        self.counters = counters
        self.readOrders = readOrders
    }

    /// Listens on a free port.
    static func listen() throws -> (descriptor: Int32, port: Int) {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let status = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { generic in
                bind(descriptor, generic, size) == 0 && Glibc.listen(descriptor, 64) == 0
                    ? getsockname(descriptor, generic, &size) : -1
            }
        }
        guard status == 0 else {
            close(descriptor)
            throw TestSupportError("the proxy cannot listen: \(String(cString: strerror(errno)))")
        }
        return (descriptor, Int(UInt16(bigEndian: address.sin_port)))
    }

    /// Runs until the proxy is released.
    func run() {
        var connections: [Connection] = []
        var last = ContinuousClock.now
        while true {
            let orders = readOrders()
            if orders.isOver { break }
            let now = ContinuousClock.now
            let seconds = Double((now - last) / .milliseconds(1)) / 1_000
            last = now
            for index in connections.indices {
                if orders.cutsAll || orders.fault == .refuse { connections[index].isOver = true }
                pass(&connections[index], orders.fault, seconds)
            }
            connections.removeAll { connection in
                if connection.isOver { Self.end(connection) }
                return connection.isOver
            }
            wait(for: &connections, orders)
        }
        for connection in connections { Self.end(connection) }
        close(listener)
        close(wakeUp)
    }

    private static func end(_ connection: Connection) {
        // What was passed on arrives before the end.
        close(connection.client)
        close(connection.server)
    }

    // MARK: Waiting

    private func wait(for connections: inout [Connection], _ orders: FaultProxy.Orders) {
        var descriptors = [
            pollfd(fd: wakeUp, events: Int16(POLLIN), revents: 0),
            pollfd(fd: listener, events: Int16(POLLIN), revents: 0),
        ]
        for connection in connections {
            descriptors.append(Self.interest(connection.client, connection.toServer, connection.toClient))
            descriptors.append(Self.interest(connection.server, connection.toClient, connection.toServer))
        }
        let isSlow = if case .slow = orders.fault { true } else { false }
        guard poll(&descriptors, nfds_t(descriptors.count), isSlow ? 5 : -1) >= 0 else { return }
        if descriptors[0].revents != 0 { drain(wakeUp) }
        for index in connections.indices {
            let events = (descriptors[2 + 2 * index].revents, descriptors[3 + 2 * index].revents)
            let hasHungUp = Int16(POLLIN | POLLHUP | POLLERR)
            if events.0 & hasHungUp != 0 { read(connections[index].client, &connections[index].toServer, .none) }
            if events.1 & hasHungUp != 0 { read(connections[index].server, &connections[index].toClient, orders.fault) }
        }
        if descriptors[1].revents != 0, let connection = accept(orders) { connections.append(connection) }
    }

    /// Reads while little waits; writes what waits unless it has to wait for its time.
    private static func interest(_ descriptor: Int32, _ from: Direction, _ to: Direction) -> pollfd {
        var events = 0
        if from.waiting.count < 1 << 18, !from.hasEnded { events |= Int(POLLIN) }
        if !to.waiting.isEmpty, (to.budget ?? 1) >= 1 { events |= Int(POLLOUT) }
        return pollfd(fd: from.hasEnded && events == 0 ? -1 : descriptor, events: Int16(events), revents: 0)
    }

    private func drain(_ descriptor: Int32) {
        var bytes = [UInt8](repeating: 0, count: 64)
        while recv(descriptor, &bytes, bytes.count, Int32(MSG_DONTWAIT)) == bytes.count {}
    }

    private func read(_ descriptor: Int32, _ direction: inout Direction, _ fault: FaultProxy.Fault) {
        var piece = [UInt8](repeating: 0, count: 1 << 16)
        let count = recv(descriptor, &piece, piece.count, Int32(MSG_DONTWAIT))
        if count > 0 {
            if case .corrupt(let every) = fault {
                let start = direction.passed + direction.waiting.count
                for index in 0..<count where (start + index) % every == every - 1 { piece[index] ^= 0x10 }
            }
            direction.waiting.append(contentsOf: piece[..<count])
        } else if count == 0 || (errno != EAGAIN && errno != EINTR) {
            direction.hasEnded = true
        }
    }

    private func accept(_ orders: FaultProxy.Orders) -> Connection? {
        let client = Glibc.accept(listener, nil, nil)
        guard client >= 0 else { return nil }
        _ = fcntl(client, F_SETFD, FD_CLOEXEC)
        counters.connections.add(1, ordering: .relaxed)
        let server = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        let isConnected = try? UnixSocket.withAddress(orders.upstream) { connect(server, $0, $1) == 0 }
        guard orders.fault != .refuse, isConnected == true else {
            close(client)
            close(server)
            return nil
        }
        var yes: Int32 = 1
        setsockopt(client, Int32(IPPROTO_TCP), TCP_NODELAY, &yes, socklen_t(MemoryLayout<Int32>.size))
        return Connection(client: client, server: server)
    }

    // MARK: Passing on

    private func pass(_ connection: inout Connection, _ fault: FaultProxy.Fault, _ seconds: Double) {
        let before = connection.toServer.passed
        pass(&connection.toServer, to: connection.server, fault, seconds, isReply: false)
        counters.bytesToServer.add(connection.toServer.passed - before, ordering: .relaxed)
        pass(&connection.toClient, to: connection.client, fault, seconds, isReply: true)
        if case .cut(let limit) = fault, connection.toClient.passed >= limit { connection.isOver = true }
        if connection.toServer.hasEnded, connection.toServer.waiting.isEmpty { connection.isOver = true }
        if connection.toClient.hasEnded, connection.toClient.waiting.isEmpty { connection.isOver = true }
    }

    private func pass(
        _ direction: inout Direction,
        to descriptor: Int32,
        _ fault: FaultProxy.Fault,
        _ seconds: Double,
        isReply: Bool
    ) {
        var room = direction.waiting.count
        var piece = Int.max
        let budget = direction.budget
        direction.budget = nil
        switch fault {
        case .none, .refuse, .corrupt: break
        case .blackHole: return direction.waiting.removeAll()
        case .slices(let byteCount): piece = byteCount
        case .cut(let limit): if isReply { room = min(room, max(0, limit - direction.passed)) }
        case .slow(let bytesPerSecond):
            let allowed = min(Double(bytesPerSecond), (budget ?? 0) + Double(bytesPerSecond) * seconds)
            room = min(room, Int(allowed))
            direction.budget = allowed
        }
        var sent = 0
        while sent < room {
            let count = direction.waiting[sent..<min(room, sent + min(piece, room - sent))].withUnsafeBytes {
                send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT))
            }
            guard count > 0 else {
                if count < 0, errno != EAGAIN, errno != EINTR { direction.hasEnded = true }
                break
            }
            sent += count
        }
        direction.waiting.removeFirst(sent)
        direction.passed += sent
        direction.budget = direction.budget.map { $0 - Double(sent) }
    }
}
