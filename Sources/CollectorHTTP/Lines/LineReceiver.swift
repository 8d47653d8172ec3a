import Collector
import EventJSON
import HTTPServer
import NIOCore

/// Takes a body of lines, one event each, of any length: pushes what has come, holds the client back while much is
/// under way, and answers with counts when all is settled.
///
/// `@unchecked Sendable`: every variable is touched on the connection's event loop only; outcomes, which come on any
/// thread, are brought there.
final class LineReceiver: HTTPBodyReceiver, @unchecked Sendable {
    /// What a receiver needs of its endpoint.
    struct Endpoint {
        let collector: Collector
        let source: HTTPSource
        let options: PushOptions
        let responder: HTTPResponder
        /// Takes room for events within a key's rate; the seconds to wait if there is not enough.
        let take: (Int) -> Int?
        let answer: (LineTotals) -> HTTPResponse
    }

    /// Events that were pushed and have no outcome yet; beyond it the client waits.
    private static let maximumOpenCount = 2000

    private let endpoint: Endpoint
    private let decoder: HTTPBodyDecoder
    private let limits: JSONLimits
    private var lines: LineBuffer
    private var totals = LineTotals()
    /// Lines that wait for the key's rate.
    private var waiting: LineBuffer.Run?
    private var openCount = 0
    private var isPaused = false
    /// Whether all of the body has come.
    private var isComplete = false
    /// Whether the body's coding is at fault, so that nothing more can be read.
    private var isBroken = false
    /// Whether the answer is given, or nobody is left to get one.
    private var isEnded = false

    init(_ endpoint: Endpoint, decoder: HTTPBodyDecoder) {
        self.endpoint = endpoint
        self.decoder = decoder
        limits = JSONLimits(maximumByteCount: endpoint.source.maximumBodyByteCount)
        lines = LineBuffer(maximumLineByteCount: limits.maximumByteCount)
    }

    func receive(_ part: ByteBuffer) {
        guard !isEnded else { return }
        decoder.append(part)
        work()
    }

    func finish() {
        isComplete = true
        work()
    }

    /// What was pushed stays pushed; nobody is left to be told, or the server answers itself.
    func fail(_ failure: HTTPBodyFailure) {
        isEnded = true
    }

    private func work() {
        do throws(HTTPBodyFailure) {
            while mayPush {
                guard let run = try nextRun() else {
                    if isComplete { try decoder.finish() }
                    break
                }
                push(run)
            }
        } catch {
            isBroken = true
            refuse(lines.place, Self.reason(error))
        }
        settle()
    }

    private var mayPush: Bool {
        !isEnded && !isBroken && totals.resumeLine == nil && !mustWait
    }

    private var mustWait: Bool { waiting != nil || openCount >= Self.maximumOpenCount }

    private func nextRun() throws(HTTPBodyFailure) -> LineBuffer.Run? {
        while true {
            let run = lines.next { place in
                refuse(place, "the line is longer than \(limits.maximumByteCount) bytes")
            }
            if let run { return run }
            guard let bytes = try decoder.next() else { break }
            lines.append(bytes)
        }
        return isComplete ? lines.last() : nil
    }

    private func push(_ run: LineBuffer.Run) {
        run.bytes.withUnsafeReadableBytes { bytes in
            var places: [Int] = []
            var refused: [(place: Int, error: JSONError)] = []
            let batch = EventBatch(
                lines: bytes.bindMemory(to: UInt8.self),
                limits: limits,
                places: &places,
                refused: &refused
            )
            if batch.count > 0, let seconds = endpoint.take(batch.count) { return wait(run, seconds: seconds) }
            for line in refused { refuse(run.place + line.place, line.error.description) }
            guard batch.count > 0 else { return }
            openCount += batch.count
            let absolutePlaces = places.map { $0 + run.place }
            endpoint.collector.push(batch, options: endpoint.options) { results in
                self.endpoint.responder.execute {
                    self.openCount -= results.count
                    self.totals.add(results, places: absolutePlaces)
                    self.work()
                }
            }
        }
    }

    private func refuse(_ place: Int, _ reason: String) {
        endpoint.collector.countRejection(source: endpoint.source.id)
        totals.refuse(place, reason)
    }

    /// A stream is slowed to its key's rate, and not refused: its sender waits as for a slow network.
    private func wait(_ run: LineBuffer.Run, seconds: Int) {
        waiting = run
        endpoint.responder.eventLoop.scheduleTask(in: .seconds(Int64(seconds))) {
            self.waiting = nil
            guard !self.isEnded else { return }
            self.push(run)
            self.work()
        }
    }

    /// Holds the client back or lets it go on; answers when nothing is left to come.
    private func settle() {
        guard !isEnded else { return }
        if mustWait != isPaused {
            isPaused = mustWait
            if mustWait { endpoint.responder.pauseBody() } else { endpoint.responder.resumeBody() }
        }
        guard isComplete || isBroken || totals.resumeLine != nil, openCount == 0, waiting == nil else { return }
        isEnded = true
        var response = endpoint.answer(totals)
        // What is left of a stream that ends early may be long, and nobody wants it.
        response.closesConnection = response.closesConnection || !isComplete
        endpoint.responder.respond(response)
    }

    private static func reason(_ failure: HTTPBodyFailure) -> String {
        switch failure {
        case .tooLarge: "the compressed body inflates too far"
        default: "the compressed body is damaged"
        }
    }
}
