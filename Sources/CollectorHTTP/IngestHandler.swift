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
    let answers: IngestAnswers

    init(source: HTTPSource, path: HTTPSource.Path, collector: Collector) {
        self.source = source
        self.path = path
        self.collector = collector
        answers = IngestAnswers(source)
    }

    func receive(_ head: HTTPRequestHead, _ responder: HTTPResponder) -> HTTPBodyHandling {
        switch head.method {
        case .POST where path.takesPOST:
            guard let request = admit(head, responder) else { return .ignore }
            return post(head, request)
        case .GET where path.takesGET:
            guard let request = admit(head, responder), let verified = verify(request, ByteBuffer()) else {
                return .ignore
            }
            pixel(head, verified)
        case .OPTIONS:
            responder.respond(answers.preflight(head))
        default:
            var response = answers.failure(
                .methodNotAllowed,
                source.style == .express
                    ? "Method not allowed. Use POST, GET, or OPTIONS." : "Method not allowed",
                answers.headers(for: head)
            )
            response.headers.add(name: "Allow", value: allowedMethods)
            responder.respond(response)
        }
        return .ignore
    }

    private var allowedMethods: String {
        ((path.takesGET ? ["GET"] : []) + (path.takesPOST ? ["POST"] : []) + ["OPTIONS"]).joined(separator: ", ")
    }

    // MARK: POST

    private func post(_ head: HTTPRequestHead, _ request: IngestRequest) -> HTTPBodyHandling {
        switch IngestContentType(head.headers.first(name: "Content-Type")) {
        case .lines: return lines(head, request)
        case .other where source.style == .express:
            if let verified = verify(request, ByteBuffer()) { push(.empty(), verified) }
            return .ignore
        case .unsupportedCharacterSet(let name) where source.style == .express:
            collector.countRejection(source: source.id)
            request.responder.respond(
                answers.failure(.unsupportedMediaType, "unsupported charset \"\(name)\"", request.headers)
            )
            return .ignore
        case .json, .other, .unsupportedCharacterSet: break
        }
        return .collect(
            maximumByteCount: source.maximumBodyByteCount,
            failure: { failure in self.refusal(failure, request.headers) },
            then: { body, _ in
                if let verified = self.verify(request, body) { self.take(body, verified) }
            }
        )
    }

    /// Takes a body of lines as it comes.
    private func lines(_ head: HTTPRequestHead, _ request: IngestRequest) -> HTTPBodyHandling {
        if case .signature = request.key {
            // Events are taken before all of such a body is there.
            let message = "lines cannot be signed: send JSON, or use a key as Authorization: Bearer <key>"
            request.responder.respond(answers.failure(.unauthorized, message, request.headers))
            return .ignore
        }
        let decoder: HTTPBodyDecoder
        do throws(HTTPBodyFailure) {
            decoder = try HTTPBodyDecoder(head)
        } catch {
            request.responder.respond(refusal(error, request.headers))
            return .ignore
        }
        let endpoint = LineReceiver.Endpoint(
            collector: collector,
            source: source,
            options: request.options,
            responder: request.responder,
            take: { count in self.secondsToWait(for: count, request) },
            answer: { totals in self.answers.lines(totals, request.headers) }
        )
        return .stream(maximumByteCount: .max, to: LineReceiver(endpoint, decoder: decoder))
    }

    private func take(_ body: ByteBuffer, _ request: IngestRequest) {
        if body.readableBytes == 0 { return push(.empty(), request) }
        body.withUnsafeReadableBytes { bytes in
            let limits = JSONLimits(maximumByteCount: source.maximumBodyByteCount)
            do throws(JSONError) {
                let batch = try EventBatch(
                    json: bytes.bindMemory(to: UInt8.self),
                    limits: limits,
                    maximumCount: source.maximumBatchCount
                )
                if batch.isScalar {
                    reject("a JSON body must be an object or an array", request)
                } else {
                    push(batch, request)
                }
            } catch {
                reject(error.description, request)
            }
        }
    }

    private func push(_ batch: borrowing EventBatch, _ request: IngestRequest) {
        let (headers, responder) = (request.headers, request.responder)
        guard batch.count <= source.maximumBatchCount else {
            let message = "Batch too large. Maximum size: \(source.maximumBatchCount) events"
            responder.respond(
                answers.failure(.badRequest, message, nowMilliseconds: collector.nowMilliseconds, headers)
            )
            return
        }
        guard mayTake(batch.count, request) else { return }
        let isList = batch.isList
        // With a queue an answer means that the event is stored, which is soon; it waits for no destination anyway.
        if source.answersPOSTEarly, !collector.storesEvents {
            let invalid = collector.firstRefusal(in: batch, source: source.id)
            let now = collector.nowMilliseconds
            let answer = EarlyAnswer(responder) { self.noteLateFailures($0) }
            let refusedCount = collector.push(batch, options: request.options) { answer.settle($0) }
            guard refusedCount == 0 else {
                // Not taken, so the answer waits for what became of the others.
                return answer.wait { results in
                    isList ? self.answers.list(results, headers) : self.answer(results, headers)
                }
            }
            answer.giveNow(
                invalid.map { answers.failure(.badRequest, $0, nowMilliseconds: now, headers) }
                    ?? answers.success(id: nil, nowMilliseconds: now, headers)
            )
            return
        }
        collector.push(batch, options: request.options) { results in
            guard isList, self.collector.storesEvents else {
                return responder.respond(
                    isList ? self.answers.list(results, headers) : self.answer(results, headers)
                )
            }
            // The queue's thread has others to tell, and the next events to write.
            responder.execute { responder.respond(self.answers.list(results, headers)) }
        }
    }

    private func answer(_ results: [PushResult], _ headers: HTTPHeaders) -> HTTPResponse {
        let now = collector.nowMilliseconds
        guard let result = results.first, !result.isOK else {
            return answers.success(
                id: results.first?.eventID,
                isDuplicate: results.first?.isDuplicate ?? false,
                nowMilliseconds: now,
                headers
            )
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

    private func reject(_ message: String, _ request: IngestRequest) {
        collector.countRejection(source: source.id)
        request.responder.respond(answers.failure(.badRequest, message, request.headers))
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
        case .overloaded: return answers.failure(.serviceUnavailable, "too many requests are under way", headers)
        case .malformedEncoding: return answers.failure(.badRequest, "the compressed body is damaged", headers)
        case .malformed, .disconnected: return answers.failure(.badRequest, "malformed request", headers)
        }
    }

    // MARK: GET

    private func pixel(_ head: HTTPRequestHead, _ request: IngestRequest) {
        let (headers, responder) = (request.headers, request.responder)
        guard mayTake(1, request) else { return }
        let text = JSONValue.object(PixelQuery.event(ofTarget: head.uri)).jsonText
        let response = answers.pixel(headers)
        let isEarly = source.answersGETEarly && !collector.storesEvents
        text.withUnsafeBufferPointer { bytes in
            guard let batch = try? EventBatch(json: bytes, limits: JSONLimits(maximumByteCount: .max)) else {
                collector.countRejection(source: source.id)
                return responder.respond(response)
            }
            if isEarly {
                let answer = EarlyAnswer(responder) { self.noteLateFailures($0) }
                let refusedCount = collector.push(batch, options: request.options) { answer.settle($0) }
                return refusedCount == 0 ? answer.giveNow(response) : answer.wait { self.answer($0, headers) }
            }
            collector.push(batch, options: request.options) { results in
                let isRefused = results.contains(where: \.isTemporary)
                responder.respond(isRefused ? self.answer(results, headers) : response)
            }
        }
    }
}
