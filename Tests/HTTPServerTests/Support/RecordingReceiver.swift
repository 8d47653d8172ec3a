import NIOCore

@testable import HTTPServer

/// Notes what it is given of a streamed body.
final class RecordingReceiver: HTTPBodyReceiver, Sendable {
    let events = Shared<[String]>([])
    let responder = Shared<HTTPResponder?>(nil)

    func receive(_ part: ByteBuffer) {
        self.events.append(String(buffer: part))
    }

    func finish() {
        self.events.append("finished")
    }

    func fail(_ failure: HTTPBodyFailure) {
        self.events.append("failed \(failure)")
    }
}

/// The `Date` field as it should be.
enum HTTPDateText {
    static var now: String { self.secondsAgo(0) }

    static func secondsAgo(_ seconds: Int) -> String {
        let line = String(buffer: HTTPDate(secondsSinceEpoch: HTTPDate.now.secondsSinceEpoch - seconds).headerLine)
        return String(line.dropFirst("Date: ".count).dropLast("\r\n".count))
    }
}
