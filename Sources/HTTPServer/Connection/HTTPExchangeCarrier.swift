import Logging
import NIOCore
import NIOHTTP1

/// What requests arrive on and answers leave by: an HTTP/1.1 connection, or one stream of an HTTP/2 connection.
///
/// What both have in common is in the extensions: from a head to its handler, bodies and their limits, refusals, records.
/// Only the bytes are each one's own. Everything here happens on the event loop.
protocol HTTPExchangeCarrier: HTTPResponseSink {
    var handler: any HTTPHandler { get }
    var environment: HTTPConnectionEnvironment { get }

    var machine: HTTPConnectionStateMachine { get set }
    var request: HTTPRequestSummary { get set }
    var consumer: HTTPBodyConsumer { get set }
    var body: HTTPBodyAssembly { get set }
    /// What the current request's body takes of the server's room.
    var reservation: HTTPBodyReservation { get set }
    var streamFraming: HTTPStreamFraming? { get set }
    var eventObserver: (@Sendable (HTTPConnectionEvent) -> Void)? { get set }
    var writabilityObserver: (@Sendable () -> Void)? { get set }

    /// Whether nothing that the client sent waits for its turn.
    var inputIsEmpty: Bool { get }

    /// Tells the client to send the body.
    func sendContinue()

    /// Writes an answer with its body.
    func writeWhole(_ response: HTTPResponse, closes: Bool)

    /// The answer is written to its end: goes on with what comes next.
    func finishResponse(_ exchange: UInt64)

    /// Closes when all that was written is out, for the client to see the end of it.
    func closeAfterFlush(lingers: Bool)

    /// Closes at once.
    ///
    /// What was not sent yet is lost.
    func closeNow()
}

extension HTTPExchangeCarrier {
    var logger: Logger { self.environment.logger }

    /// The time is over, or the body is too slow.
    func expire() {
        switch self.machine.expirationAction {
        case .close: self.closeNow()
        case .refuse: self.refuse(.tooLate)
        case .drop: break
        }
    }
}
