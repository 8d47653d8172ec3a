import Collector
import EventJSON
import NIOCore
import NIOHTTP1

/// What became of the lines of a stream so far.
struct LineTotals {
    /// A line that failed, and why.
    struct Failure {
        /// Counted from 1, as editors do.
        let line: Int
        let reason: String
    }

    /// As many failures as an answer lists.
    static let maximumFailureCount = 20

    private(set) var processedCount = 0
    /// Of these, events that had come before.
    private(set) var duplicateCount = 0
    private(set) var failedCount = 0
    private var sendersFaultCount = 0
    /// The first of them by line.
    private(set) var failures: [Failure] = []
    /// The first line that is to be sent again, if the stream was ended for now.
    private(set) var resumeLine: Int?

    /// Notes results of lines; `places` are counted from 0.
    mutating func add(_ results: [PushResult], places: [Int]) {
        for (result, place) in zip(results, places) {
            if result.isOK {
                processedCount += 1
                if result.isDuplicate { duplicateCount += 1 }
            } else if result.isTemporary {
                resumeLine = min(resumeLine ?? .max, place + 1)
                fail(place, IngestAnswers.reason(result), isSendersFault: false)
            } else {
                fail(place, IngestAnswers.reason(result), isSendersFault: IngestAnswers.isSendersFault(result))
            }
        }
    }

    /// Notes a line that brings no event.
    mutating func refuse(_ place: Int, _ reason: String) {
        fail(place, reason, isSendersFault: true)
    }

    /// Notes that nothing from this line on was taken.
    mutating func end(atPlace place: Int) {
        resumeLine = min(resumeLine ?? .max, place + 1)
    }

    private mutating func fail(_ place: Int, _ reason: String, isSendersFault: Bool) {
        failedCount += 1
        if isSendersFault { sendersFaultCount += 1 }
        if failures.count == Self.maximumFailureCount, let last = failures.last, last.line < place + 1 { return }
        let position = failures.firstIndex { $0.line > place + 1 } ?? failures.count
        failures.insert(Failure(line: place + 1, reason: reason), at: position)
        if failures.count > Self.maximumFailureCount { failures.removeLast() }
    }

    /// 200 if all went well, 207 if some did, else 400 or 500; 503 if lines are to be sent again.
    var status: HTTPResponseStatus {
        if resumeLine != nil { return .serviceUnavailable }
        if failedCount == 0 { return .ok }
        if processedCount > 0 { return .multiStatus }
        return sendersFaultCount == failedCount ? .badRequest : .internalServerError
    }

    /// The answer's body: `{"success", "processed"}`, and if not all went well `failed`, `errors` and `resumeAtLine`.
    var text: ByteBuffer {
        var body = ByteBuffer()
        let isSuccess = status == .ok
        body.writeString("{\"success\":\(isSuccess),\"processed\":\(processedCount)")
        if duplicateCount > 0 { body.writeString(",\"duplicates\":\(duplicateCount)") }
        if !isSuccess {
            body.writeString(",\"failed\":\(failedCount),\"errors\":[")
            for (position, failure) in failures.enumerated() {
                body.writeString("\(position > 0 ? "," : ""){\"line\":\(failure.line),\"error\":")
                body.writeBytes(JSONValue.string(failure.reason).jsonText)
                body.writeStaticString("}")
            }
            body.writeStaticString("]")
            if let resumeLine { body.writeString(",\"resumeAtLine\":\(resumeLine)") }
        }
        body.writeStaticString("}")
        return body
    }
}
