import HTTPServer
import NIOHTTP1
import Synchronization

/// Answers requests by the flow that runs when they begin.
final class FlowDoor: HTTPHandler {
    private let handler: Mutex<any HTTPHandler>

    init(_ handler: any HTTPHandler) {
        self.handler = Mutex(handler)
    }

    /// Lets another flow answer requests that begin from now on; those under way go on as they began.
    func exchange(for next: any HTTPHandler) {
        handler.withLock { $0 = next }
    }

    func receive(_ head: HTTPRequestHead, _ responder: HTTPResponder) -> HTTPBodyHandling {
        handler.withLock { $0 }.receive(head, responder)
    }
}
