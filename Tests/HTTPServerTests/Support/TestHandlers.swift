import NIOCore
import NIOHTTP1
import Synchronization

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
    private let held = Mutex<[(head: HTTPRequestHead, body: ByteBuffer, responder: HTTPResponder)]>([])

    func receive(_ head: HTTPRequestHead, _ responder: HTTPResponder) -> HTTPBodyHandling {
        .collect { body, responder in self.held.withLock { $0.append((head, body, responder)) } }
    }

    var count: Int { self.held.withLock(\.count) }
    var paths: [String] { self.held.withLock { $0.map { String($0.head.path) } } }
    var bodies: [String] { self.held.withLock { $0.map { String(buffer: $0.body) } } }

    func responder(_ index: Int) -> HTTPResponder {
        self.held.withLock { $0[index].responder }
    }

    func answer(_ index: Int, _ text: String) {
        self.responder(index).respond(HTTPResponse(status: .ok, body: ByteBuffer(string: text)))
    }

    func forgetAll() {
        self.held.withLock { $0.removeAll() }
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

/// A value that a test and a handler share.
final class Shared<Value: Sendable>: Sendable {
    private let storage: Mutex<Value>

    init(_ value: Value) {
        self.storage = Mutex(value)
    }

    var value: Value {
        get { self.storage.withLock { $0 } }
        set { self.storage.withLock { $0 = newValue } }
    }

    func append<Element>(_ element: Element) where Value == [Element] {
        self.storage.withLock { $0.append(element) }
    }
}
