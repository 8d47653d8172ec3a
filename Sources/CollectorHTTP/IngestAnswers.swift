import Collector
import EventJSON
import HTTPServer
import NIOCore
import NIOHTTP1

/// The answers of an ingest endpoint, their heads made once.
struct IngestAnswers: Sendable {
    private let source: HTTPSource
    private let heads: [UInt: HTTPResponseTemplate]
    private let pixelHead: HTTPResponseTemplate
    /// The policy, if its fields depend on the request.
    private let originPolicy: HTTPCrossOriginPolicy?

    /// One transparent pixel.
    private static let pixel = ByteBuffer(bytes: [
        0x47, 0x49, 0x46, 0x38, 0x39, 0x61, 0x01, 0x00, 0x01, 0x00, 0x80, 0x00, 0x00, 0x00, 0x00, 0x00, 0xFF, 0xFF,
        0xFF, 0x21, 0xF9, 0x04, 0x01, 0x00, 0x00, 0x00, 0x00, 0x2C, 0x00, 0x00, 0x00, 0x00, 0x01, 0x00, 0x01, 0x00,
        0x00, 0x02, 0x01, 0x44, 0x00, 0x3B,
    ])

    /// Room for the usual answer, so that its buffer does not grow.
    private static let successByteCount = 96

    init(_ source: HTTPSource) {
        self.source = source
        originPolicy = source.crossOrigin.flatMap { $0.fixedResponseHeaders == nil ? $0 : nil }
        let fixed = Self.fixedHeaders(source)
        let type = source.style == .express ? "application/json; charset=utf-8" : "application/json"
        var heads: [UInt: HTTPResponseTemplate] = [:]
        for status in [
            HTTPResponseStatus.ok, .multiStatus, .badRequest, .unauthorized, .forbidden, .notFound, .methodNotAllowed,
            .requestTimeout,
            .payloadTooLarge, .unsupportedMediaType, .tooManyRequests, .internalServerError, .serviceUnavailable,
        ] {
            var headers = fixed
            headers.add(name: "Content-Type", value: type)
            if status == .serviceUnavailable { headers.add(name: "Retry-After", value: "1") }
            heads[status.code] = HTTPResponseTemplate(status: status, headers: headers)
        }
        self.heads = heads
        var headers = fixed
        headers.add(name: "Content-Type", value: "image/gif")
        headers.add(name: "Cache-Control", value: "no-cache, no-store, must-revalidate")
        pixelHead = HTTPResponseTemplate(status: .ok, headers: headers)
    }

    private static func fixedHeaders(_ source: HTTPSource) -> HTTPHeaders {
        var headers: HTTPHeaders = ["X-Content-Type-Options": "nosniff"]
        if let fixed = source.crossOrigin?.fixedResponseHeaders { headers.add(contentsOf: fixed) }
        if source.style == .fetch, source.crossOrigin != nil {
            headers.add(name: "Access-Control-Allow-Methods", value: "GET, POST, OPTIONS")
            let allowed = source.writeKeys == nil ? "Content-Type" : "Authorization, Content-Type"
            headers.add(name: "Access-Control-Allow-Headers", value: allowed)
        }
        return headers
    }

    /// The header fields that depend on the request: empty unless origins are told apart.
    func headers(for head: HTTPRequestHead) -> HTTPHeaders {
        originPolicy?.responseHeaders(for: head) ?? [:]
    }

    func preflight(_ head: HTTPRequestHead) -> HTTPResponse {
        var response: HTTPResponse
        if source.style == .fetch {
            response = HTTPResponse(status: .noContent, headers: Self.fixedHeaders(source))
            response.headers.add(contentsOf: headers(for: head))
            if let seconds = source.crossOrigin?.maximumAgeSeconds {
                response.headers.add(name: "Access-Control-Max-Age", value: String(seconds))
            }
        } else {
            response = source.crossOrigin?.preflightResponse(for: head) ?? HTTPResponse(status: .noContent)
            response.headers.add(name: "X-Content-Type-Options", value: "nosniff")
        }
        return response
    }

    func pixel(_ headers: HTTPHeaders) -> HTTPResponse {
        HTTPResponse(pixelHead, headers: headers, body: Self.pixel)
    }

    /// An answer to one accepted event; its id is asked for only where it is told.
    func success(
        id: @autoclosure () -> String?,
        isDuplicate: Bool = false,
        nowMilliseconds: Int,
        _ headers: HTTPHeaders
    ) -> HTTPResponse {
        var body = ByteBufferAllocator().buffer(capacity: Self.successByteCount)
        body.writeStaticString(#"{"success":true"#)
        if source.style == .fetch, let id = id() {
            body.writeStaticString(#","id":"#)
            body.writeBytes(JSONValue.string(id).jsonText)
        }
        if isDuplicate { body.writeStaticString(#","duplicate":true"#) }
        body.writeStaticString(#","timestamp":"#)
        body.writeString(String(nowMilliseconds))
        body.writeStaticString("}")
        return response(.ok, headers, body)
    }

    /// A refusal, or a failure, of a whole request.
    func failure(
        _ status: HTTPResponseStatus,
        _ message: String,
        nowMilliseconds: Int? = nil,
        _ headers: HTTPHeaders
    ) -> HTTPResponse {
        var body = ByteBuffer()
        body.writeStaticString(#"{"success":false,"error":"#)
        body.writeBytes(JSONValue.string(message).jsonText)
        if source.style == .express, let nowMilliseconds {
            body.writeStaticString(#","timestamp":"#)
            body.writeString(String(nowMilliseconds))
        }
        body.writeStaticString("}")
        return response(status, headers, body)
    }

    /// The answer to a list: 200 if all went well, 207 if some did, else 400, 503 or 500.
    func list(_ results: [PushResult], _ headers: HTTPHeaders) -> HTTPResponse {
        let failed = results.indices.filter { !results[$0].isOK }
        var body = ByteBuffer()
        if failed.isEmpty {
            body.writeString("{\"success\":true,\"processed\":\(results.count),\"ids\":[")
            for (position, result) in results.enumerated() {
                if position > 0 { body.writeStaticString(",") }
                body.writeBytes(result.eventID.map { JSONValue.string($0).jsonText } ?? Array("null".utf8))
            }
            body.writeStaticString("]")
            let duplicates = results.indices.filter { results[$0].isDuplicate }
            if !duplicates.isEmpty { body.writeString(",\"duplicates\":\(duplicates)") }
            body.writeStaticString("}")
            return response(.ok, headers, body)
        }
        body.writeString(
            "{\"success\":false,\"processed\":\(results.count - failed.count),\"failed\":\(failed.count),\"errors\":["
        )
        for (position, index) in failed.enumerated() {
            if position > 0 { body.writeStaticString(",") }
            body.writeString("{\"index\":\(index),\"error\":")
            body.writeBytes(JSONValue.string(Self.reason(results[index])).jsonText)
            body.writeStaticString("}")
        }
        body.writeStaticString("]}")
        let status: HTTPResponseStatus =
            if failed.count < results.count {
                .multiStatus
            } else if failed.allSatisfy({ Self.isSendersFault(results[$0]) }) {
                .badRequest
            } else if failed.allSatisfy({ results[$0].isTemporary }) {
                .serviceUnavailable
            } else {
                .internalServerError
            }
        return response(status, headers, body)
    }

    /// The answer to a body of lines.
    func lines(_ totals: LineTotals, _ headers: HTTPHeaders) -> HTTPResponse {
        response(totals.status, headers, totals.text)
    }

    /// Why an event failed, in words for its sender: never a destination's own words.
    static func reason(_ result: PushResult) -> String {
        if result.isTemporary, result.error == PushResult.storageReason {
            return "events cannot be stored now: try again later"
        }
        if result.isTemporary, result.error != PushResult.shutDownReason {
            return "too many events wait: try again later"
        }
        return result.error ?? "Event was not processed"
    }

    /// Whether sending the event again can never help.
    static func isSendersFault(_ result: PushResult) -> Bool {
        result.isInvalid || result.error?.hasPrefix("Event ") == true
    }

    private func response(_ status: HTTPResponseStatus, _ headers: HTTPHeaders, _ body: ByteBuffer) -> HTTPResponse {
        if let head = heads[status.code] { return HTTPResponse(head, headers: headers, body: body) }
        return HTTPResponse(status: status, headers: headers, body: body)
    }
}
