import Collector
import EventJSON
import HTTPServer
import NIOCore
import NIOHTTP1

/// Takes events on one path of a source.
///
/// A body is read where it lies; its events are accepted on the event loop, and the answer goes out from whatever
/// thread brings the last outcome.
struct IngestHandler: HTTPHandler {
    let source: HTTPSource
    let path: HTTPSource.Path
    let collector: Collector
    private let answers: IngestAnswers

    init(source: HTTPSource, path: HTTPSource.Path, collector: Collector) {
        self.source = source
        self.path = path
        self.collector = collector
        answers = IngestAnswers(source)
    }

    func receive(_ head: HTTPRequestHead, _ responder: HTTPResponder) -> HTTPBodyHandling {
        let headers = answers.headers(for: head)
        switch head.method {
        case .POST where path.takesPOST:
            guard let key = admit(head, headers, responder) else { return .ignore }
            return post(head, key, headers, responder)
        case .GET where path.takesGET:
            guard let key = admit(head, headers, responder) else { return .ignore }
            pixel(head, key, headers, responder)
        case .OPTIONS:
            responder.respond(answers.preflight(head))
        default:
            var response = answers.failure(
                .methodNotAllowed,
                source.style == .express
                    ? "Method not allowed. Use POST, GET, or OPTIONS." : "Method not allowed",
                headers
            )
            response.headers.add(name: "Allow", value: allowedMethods)
            responder.respond(response)
        }
        return .ignore
    }

    private var allowedMethods: String {
        ((path.takesGET ? ["GET"] : []) + (path.takesPOST ? ["POST"] : []) + ["OPTIONS"]).joined(separator: ", ")
    }

    // MARK: Keys

    /// The place of a request's key among the source's.
    private enum Key {
        /// Everybody may send.
        case unneeded
        case place(Int)
    }

    /// Lets a request in, or refuses it.
    private func admit(_ head: HTTPRequestHead, _ headers: HTTPHeaders, _ responder: HTTPResponder) -> Key? {
        guard let keys = source.writeKeys else { return .unneeded }
        let reason: String
        switch keys.admission(of: head) {
        case .admitted(let place): return .place(place)
        case .missing: reason = "a write key is needed: Authorization: Bearer <key>"
        case .unknown: reason = "the write key is not known"
        }
        var response = answers.failure(.unauthorized, reason, headers)
        response.headers.add(name: "WWW-Authenticate", value: "Bearer")
        responder.respond(response)
        return nil
    }

    /// Whether the key's bearers may send that many events now; answers if not.
    private func mayTake(_ count: Int, _ key: Key, _ headers: HTTPHeaders, _ responder: HTTPResponder) -> Bool {
        guard case .place(let place) = key, let keys = source.writeKeys else { return true }
        guard let seconds = keys.take(count, with: place, nowMilliseconds: collector.nowMilliseconds) else {
            return true
        }
        var response = answers.failure(.tooManyRequests, "too many events: try again later", headers)
        response.headers.add(name: "Retry-After", value: String(seconds))
        responder.respond(response)
        return false
    }

    /// What accompanies the events of a request.
    private func options(of head: HTTPRequestHead, _ key: Key) -> PushOptions {
        var options = PushOptions(source: source.id)
        if case .place(let place) = key, let keys = source.writeKeys { options.sourceTags = keys.tags(of: place) }
        options.traceID = head.headers.first(name: "traceparent").flatMap(TraceParent.init)?.traceID
        if let ingest = source.ingest, collector.hasSteps {
            options.ingest = RequestScope.ingest(ingest, of: head, nowMilliseconds: collector.nowMilliseconds)
        }
        return options
    }

    // MARK: POST

    private func post(
        _ head: HTTPRequestHead,
        _ key: Key,
        _ headers: HTTPHeaders,
        _ responder: HTTPResponder
    ) -> HTTPBodyHandling {
        var hasBody = true
        if source.style == .express {
            switch IngestContentType(head.headers.first(name: "Content-Type")) {
            case .json: break
            case .other: hasBody = false
            case .unsupportedCharacterSet(let name):
                collector.countRejection(source: source.id)
                responder.respond(
                    answers.failure(.unsupportedMediaType, "unsupported charset \"\(name)\"", headers)
                )
                return .ignore
            }
        }
        let options = options(of: head, key)
        guard hasBody else {
            push(.empty(), options, key, headers, responder)
            return .ignore
        }
        return .collect(
            maximumByteCount: source.maximumBodyByteCount,
            failure: { failure in self.refusal(failure, headers) },
            then: { body, responder in self.take(body, options, key, headers, responder) }
        )
    }

    private func take(
        _ body: ByteBuffer,
        _ options: PushOptions,
        _ key: Key,
        _ headers: HTTPHeaders,
        _ responder: HTTPResponder
    ) {
        if body.readableBytes == 0 { return push(.empty(), options, key, headers, responder) }
        body.withUnsafeReadableBytes { bytes in
            let limits = JSONLimits(maximumByteCount: source.maximumBodyByteCount)
            do throws(JSONError) {
                let batch = try EventBatch(
                    json: bytes.bindMemory(to: UInt8.self),
                    limits: limits,
                    maximumCount: source.maximumBatchCount
                )
                if batch.isScalar {
                    reject("a JSON body must be an object or an array", headers, responder)
                } else {
                    push(batch, options, key, headers, responder)
                }
            } catch {
                reject(error.description, headers, responder)
            }
        }
    }

    private func push(
        _ batch: borrowing EventBatch,
        _ options: PushOptions,
        _ key: Key,
        _ headers: HTTPHeaders,
        _ responder: HTTPResponder
    ) {
        guard batch.count <= source.maximumBatchCount else {
            let message = "Batch too large. Maximum size: \(source.maximumBatchCount) events"
            responder.respond(
                answers.failure(.badRequest, message, nowMilliseconds: collector.nowMilliseconds, headers)
            )
            return
        }
        guard mayTake(batch.count, key, headers, responder) else { return }
        let isList = batch.isList
        if source.answersPOSTEarly {
            let invalid = collector.firstRefusal(in: batch, source: source.id)
            collector.push(batch, options: options) { results in self.noteLateFailures(results) }
            responder.respond(
                invalid.map { answers.failure(.badRequest, $0, nowMilliseconds: collector.nowMilliseconds, headers) }
                    ?? answers.success(id: nil, nowMilliseconds: collector.nowMilliseconds, headers)
            )
            return
        }
        collector.push(batch, options: options) { results in
            responder.respond(isList ? self.answers.list(results, headers) : self.answer(results, headers))
        }
    }

    private func answer(_ results: [PushResult], _ headers: HTTPHeaders) -> HTTPResponse {
        let now = collector.nowMilliseconds
        guard let result = results.first, !result.isOK else {
            return answers.success(id: results.first?.eventID, nowMilliseconds: now, headers)
        }
        let status: HTTPResponseStatus =
            IngestAnswers.isSendersFault(result)
            ? .badRequest : result.isTemporary ? .serviceUnavailable : .internalServerError
        return answers.failure(status, IngestAnswers.reason(result), nowMilliseconds: now, headers)
    }

    private func noteLateFailures(_ results: [PushResult]) {
        let failed = results.filter { !$0.isOK && !$0.isInvalid }
        if !failed.isEmpty { collector.noteFailureAfterAnswer(of: failed.compactMap(\.eventID), source: source.id) }
    }

    private func reject(_ message: String, _ headers: HTTPHeaders, _ responder: HTTPResponder) {
        collector.countRejection(source: source.id)
        responder.respond(answers.failure(.badRequest, message, headers))
    }

    private func refusal(_ failure: HTTPBodyFailure, _ headers: HTTPHeaders) -> HTTPResponse {
        collector.countRejection(source: source.id)
        switch failure {
        case .tooLarge(let limit):
            let message =
                source.style == .express
                ? "request entity too large" : "Request too large. Maximum size: \(limit) bytes"
            return answers.failure(.payloadTooLarge, message, headers)
        case .unsupportedEncoding(let name):
            return answers.failure(.unsupportedMediaType, "unsupported content encoding \"\(name)\"", headers)
        case .timedOut: return answers.failure(.requestTimeout, "the body did not arrive in time", headers)
        case .malformedEncoding: return answers.failure(.badRequest, "the compressed body is damaged", headers)
        case .malformed, .disconnected: return answers.failure(.badRequest, "malformed request", headers)
        }
    }

    // MARK: GET

    private func pixel(
        _ head: HTTPRequestHead,
        _ key: Key,
        _ headers: HTTPHeaders,
        _ responder: HTTPResponder
    ) {
        guard mayTake(1, key, headers, responder) else { return }
        let options = options(of: head, key)
        let text = JSONValue.object(PixelQuery.event(ofTarget: head.uri)).jsonText
        let response = answers.pixel(headers)
        let isEarly = source.answersGETEarly
        text.withUnsafeBufferPointer { bytes in
            guard let batch = try? EventBatch(json: bytes, limits: JSONLimits(maximumByteCount: .max)) else {
                return responder.respond(response)
            }
            if isEarly { responder.respond(response) }
            collector.push(batch, options: options) { results in
                if isEarly {
                    self.noteLateFailures(results)
                } else if results.contains(where: \.isTemporary) {
                    responder.respond(self.answer(results, headers))
                } else {
                    responder.respond(response)
                }
            }
        }
    }
}
