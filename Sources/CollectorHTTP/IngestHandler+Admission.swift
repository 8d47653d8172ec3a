import Collector
import HTTPServer
import InternetAddresses
import NIOCore
import NIOHTTP1

/// Who may send events, and how many.
extension IngestHandler {
    /// Lets a request in; answers it and gives nil if it may not send events.
    func admit(_ head: HTTPRequestHead, _ responder: HTTPResponder) -> IngestRequest? {
        let headers = answers.headers(for: head)
        if source.refusesOtherOrigins, let origin = head.headers.first(name: "Origin"),
            source.crossOrigin?.allows(origin) != true
        {
            responder.respond(answers.failure(.forbidden, "pages of this origin may not send events", headers))
            return nil
        }
        var key = IngestRequest.Key.unneeded
        if let keys = source.writeKeys {
            do throws(WriteKeys.Refusal) {
                key = try keys.admission(of: head, nowMilliseconds: collector.nowMilliseconds)
            } catch {
                refuse(error, headers, responder)
                return nil
            }
        }
        let asksForIngest = source.ingest != nil && collector.hasSteps
        let client =
            source.addressRates != nil || asksForIngest
            ? source.trustedProxies.client(of: head, peer: responder.remoteAddress) : nil
        var options = PushOptions(source: source.id)
        options.traceID = head.headers.first(name: "traceparent").flatMap(TraceParent.init)?.traceID
        if asksForIngest, let ingest = source.ingest {
            options.ingest = RequestScope.ingest(
                ingest,
                of: head,
                client: client,
                nowMilliseconds: collector.nowMilliseconds
            )
        }
        if case .bearer(let place) = key, let keys = source.writeKeys { options.sourceTags = keys.tags(of: place) }
        return IngestRequest(key: key, client: client, options: options, headers: headers, responder: responder)
    }

    /// The request once its body proves its key; answers it and gives nil if it does not.
    func verify(_ request: IngestRequest, _ body: ByteBuffer) -> IngestRequest? {
        guard case .signature(let signature) = request.key, let keys = source.writeKeys else { return request }
        do throws(WriteKeys.Refusal) {
            var verified = request
            let place = try keys.place(of: signature, on: body)
            verified.key = .bearer(place)
            verified.options.sourceTags = keys.tags(of: place)
            return verified
        } catch {
            refuse(error, request.headers, request.responder)
            return nil
        }
    }

    private func refuse(_ refusal: WriteKeys.Refusal, _ headers: HTTPHeaders, _ responder: HTTPResponder) {
        var response = answers.failure(.unauthorized, refusal.message, headers)
        response.headers.add(name: "WWW-Authenticate", value: "Bearer")
        responder.respond(response)
    }

    /// Whether the sender may send that many events now; answers if not.
    func mayTake(_ count: Int, _ request: IngestRequest) -> Bool {
        guard let seconds = secondsToWait(for: count, request) else { return true }
        var response = answers.failure(.tooManyRequests, "too many events: try again later", request.headers)
        response.headers.add(name: "Retry-After", value: String(seconds))
        request.responder.respond(response)
        return false
    }

    /// Takes room for that many events; the seconds to wait if the address's rate or the key's leaves none.
    func secondsToWait(for count: Int, _ request: IngestRequest) -> Int? {
        if source.addressRates == nil, source.writeKeys == nil { return nil }
        let now = collector.nowMilliseconds
        if let seconds = source.addressRates?.take(count, from: request.client, nowMilliseconds: now) { return seconds }
        guard case .bearer(let place) = request.key else { return nil }
        return source.writeKeys?.take(count, with: place, nowMilliseconds: now)
    }
}
