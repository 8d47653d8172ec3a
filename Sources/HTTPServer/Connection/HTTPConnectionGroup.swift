import NIOCore

/// A connection, in the eyes of its group.
protocol HTTPGroupMember: AnyObject {
    /// Where the group keeps it; negative when it does not.
    var positionInGroup: Int { get set }

    /// Called now and then.
    func checkDeadlines(now: NIODeadline)

    /// The server shuts down: closes when it has answered what it was asked.
    func drain()

    /// Closes at once.
    func closeNow()
}

/// The connections of one event loop, with what they share: the clock that looks at their deadlines, the `Date` line,
/// the drain.
///
/// `@unchecked Sendable`: the `let` properties are immutable and Sendable; every variable is touched on `eventLoop`
/// only, which each method asserts.
final class HTTPConnectionGroup: @unchecked Sendable {
    let eventLoop: any EventLoop
    private let metrics: HTTPServerMetrics
    private let tickInterval: TimeAmount

    private var connections: [any HTTPGroupMember] = []
    private var isTicking = false
    private var isDraining = false
    private var emptied: EventLoopPromise<Void>?
    private var date = HTTPDate.now

    /// The `Date` line for answers, at most one tick old.
    private(set) var dateLine: ByteBuffer
    /// The value of the `Date` field.
    private(set) var dateText: String

    init(eventLoop: any EventLoop, limits: HTTPLimits, metrics: HTTPServerMetrics) {
        self.eventLoop = eventLoop
        self.metrics = metrics
        self.tickInterval = Self.tickInterval(limits)
        self.dateLine = self.date.headerLine
        self.dateText = self.date.text
    }

    /// A fraction of the shortest timeout, between 10 and 500 milliseconds.
    private static func tickInterval(_ limits: HTTPLimits) -> TimeAmount {
        let shortest = min(
            limits.headerTimeoutMilliseconds,
            limits.idleTimeoutMilliseconds,
            limits.requestTimeoutMilliseconds,
            limits.bodyIdleTimeoutMilliseconds,
            limits.minimumRateGraceMilliseconds,
            limits.writeTimeoutMilliseconds,
            limits.lingerTimeoutMilliseconds
        )
        return .milliseconds(Int64(min(500, max(10, shortest / 4))))
    }

    // MARK: - Connections

    /// Takes a connection in.
    ///
    /// Returns false when the server is shutting down.
    func add(_ connection: any HTTPGroupMember) -> Bool {
        self.eventLoop.assertInEventLoop()
        guard !self.isDraining, connection.positionInGroup < 0 else { return !self.isDraining }
        connection.positionInGroup = self.connections.count
        self.connections.append(connection)
        self.metrics.connectionOpened()
        if !self.isTicking {
            self.refreshDate()
            self.scheduleTick()
        }
        return true
    }

    /// Lets a connection go.
    ///
    /// The last one takes its place, so that this takes the same time with any number of them.
    func remove(_ connection: any HTTPGroupMember) {
        self.eventLoop.assertInEventLoop()
        let position = connection.positionInGroup
        guard position >= 0, let last = self.connections.popLast() else { return }
        connection.positionInGroup = -1
        if last !== connection {
            self.connections[position] = last
            last.positionInGroup = position
        }
        self.metrics.connectionClosed()
        if self.connections.isEmpty { self.emptied?.succeed() }
    }

    // MARK: - The clock

    /// The clock stands still while there is no connection: an idle server wakes nobody.
    private func scheduleTick() {
        self.isTicking = true
        self.eventLoop.scheduleTask(in: self.tickInterval) { self.tick() }
    }

    private func tick() {
        self.isTicking = false
        guard !self.connections.isEmpty else { return }
        self.refreshDate()
        let now = self.eventLoop.now
        // Backwards: a connection that closes is replaced by one that was looked at already.
        for position in self.connections.indices.reversed() where position < self.connections.count {
            self.connections[position].checkDeadlines(now: now)
        }
        self.scheduleTick()
    }

    private func refreshDate() {
        let now = HTTPDate.now
        guard now != self.date else { return }
        self.date = now
        self.dateLine = now.headerLine
        self.dateText = now.text
    }

    // MARK: - Shutdown

    /// Closes idle connections now, the others after their answer, and all that are left after `timeout`.
    func drain(timeout: TimeAmount) -> EventLoopFuture<Void> {
        guard self.eventLoop.inEventLoop else {
            return self.eventLoop.flatSubmit { self.drain(timeout: timeout) }
        }
        self.isDraining = true
        let emptied = self.emptied ?? self.eventLoop.makePromise(of: Void.self)
        self.emptied = emptied
        for connection in self.connections { connection.drain() }
        if self.connections.isEmpty {
            emptied.succeed()
        } else {
            let force = self.eventLoop.scheduleTask(in: timeout) {
                for connection in self.connections { connection.closeNow() }
            }
            emptied.futureResult.whenComplete { _ in force.cancel() }
        }
        return emptied.futureResult
    }
}
