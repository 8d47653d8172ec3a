import Logging
import NIOCore

/// The end of a connection: deadlines, drain, the ways to close.
extension HTTPConnection {
    /// Called by the group now and then.
    func checkDeadlines(now: NIODeadline) {
        if self.deadlines.isExpired(bodyByteCount: self.request.bodyByteCount, now: now) {
            self.expire()
            self.settle()
        }
        guard self.writes.mayBePending, self.machine.isOpen,
            let pendingByteCount = try? self.channel.syncOptions?.getOption(.bufferedWritableBytes)
        else { return }
        let timeout = self.environment.limits.writeTimeoutMilliseconds
        if self.writes.isStalled(pendingByteCount: pendingByteCount, timeoutMilliseconds: timeout, now: now) {
            self.logger.debug("a client reads nothing; the connection is closed")
            self.closeNow()
        }
    }

    /// The server shuts down: idle connections close now, the others after their answer, and those that were just made
    /// after the one that they get, or a short time.
    func drain() {
        switch self.machine.drain() {
        case .close: self.closeAfterFlush(lingers: false)
        case .notify: self.notify(.draining)
        case .drop: self.deadlines.update(self.machine, eventLoop: self.eventLoop)
        }
    }

    /// The client sends nothing more, and all it has sent was handled.
    func closeInput() {
        if self.machine.closeInput() == .close { self.closeAfterFlush(lingers: false) }
    }

    /// Closes when the kernel has taken all that was written.
    ///
    /// Lingering, only the sending side is closed then: the client sees the end of the answer, and what it still
    /// sends is read and dropped until it closes too. Closing at once would answer its bytes with a reset, and the
    /// reset can overtake the answer.
    func closeAfterFlush(lingers: Bool) {
        guard let context = self.context else { return }
        let promise = self.eventLoop.makePromise(of: Void.self)
        promise.futureResult.whenComplete { _ in self.outputEnded(lingers: lingers) }
        self.needsFlush = false
        self.sendOutbound(promise)
        context.flush()
    }

    private func outputEnded(lingers: Bool) {
        guard self.machine.finishOutput(lingers: lingers) else {
            self.closeNow()
            return
        }
        self.context?.close(mode: .output, promise: nil)
        self.pump()
        self.settle()
    }

    func closeNow() {
        self.context?.close(promise: nil)
    }
}
