import NIOConcurrencyHelpers
import NIOCore
import NIOHTTP1

@testable import HTTPServer

/// Answers with the method, the path and the body.
struct EchoHandler: HTTPHandler {
    var maximumByteCount: Int?

    func receive(_ head: HTTPRequestHead, _ responder: HTTPResponder) -> HTTPBodyHandling {
        .collect(maximumByteCount: self.maximumByteCount) { body, responder in
            let text = "\(head.method.rawValue) \(head.path) \(String(buffer: body))"
            responder.respond(HTTPResponse(status: .ok, body: ByteBuffer(string: text)))
        }
    }
}

/// Keeps requests and their responders until the test answers.
final class HoldingHandler: HTTPHandler {
    private let held = NIOLockedValueBox<[(head: HTTPRequestHead, body: ByteBuffer, responder: HTTPResponder)]>([])

    /// Sent for each request that is held.
    let arrived = Signal()

    func receive(_ head: HTTPRequestHead, _ responder: HTTPResponder) -> HTTPBodyHandling {
        .collect { body, responder in
            self.held.withLockedValue { $0.append((head, body, responder)) }
            self.arrived.send()
        }
    }

    var count: Int { self.held.withLockedValue(\.count) }
    var paths: [String] { self.held.withLockedValue { $0.map { String($0.head.path) } } }
    var bodies: [String] { self.held.withLockedValue { $0.map { String(buffer: $0.body) } } }

    func responder(_ index: Int) -> HTTPResponder {
        self.held.withLockedValue { $0[index].responder }
    }

    func answer(_ index: Int, _ text: String) {
        self.responder(index).respond(HTTPResponse(status: .ok, body: ByteBuffer(string: text)))
    }

    func forgetAll() {
        self.held.withLockedValue { $0.removeAll() }
    }
}

/// Does what the test says.
struct ClosureHandler: HTTPHandler {
    let receive: @Sendable (HTTPRequestHead, HTTPResponder) -> HTTPBodyHandling

    init(_ receive: @escaping @Sendable (HTTPRequestHead, HTTPResponder) -> HTTPBodyHandling) {
        self.receive = receive
    }

    func receive(_ head: HTTPRequestHead, _ responder: HTTPResponder) -> HTTPBodyHandling {
        self.receive(head, responder)
    }
}

/// Streams each body to a receiver, and answers nothing.
struct StreamingHandler: HTTPHandler {
    let receiver: RecordingReceiver

    init(_ receiver: RecordingReceiver) {
        self.receiver = receiver
    }

    func receive(_ head: HTTPRequestHead, _ responder: HTTPResponder) -> HTTPBodyHandling {
        self.receiver.responder.value = responder
        return .stream(to: self.receiver)
    }
}

/// A value that a test and a handler share.
final class Shared<Value: Sendable>: Sendable {
    private let storage: NIOLockedValueBox<Value>

    init(_ value: Value) {
        self.storage = NIOLockedValueBox(value)
    }

    var value: Value {
        get { self.storage.withLockedValue { $0 } }
        set { self.storage.withLockedValue { $0 = newValue } }
    }

    func append<Element>(_ element: Element) where Value == [Element] {
        self.storage.withLockedValue { $0.append(element) }
    }
}
