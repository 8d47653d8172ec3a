import Collector
import Synchronization

/// Where events' text is written, over and over into the same memory.
final class WrittenText: Sendable {
    private let text = Mutex<[UInt8]>([])

    func write(_ event: Event) {
        text.withLock { text in
            text.removeAll(keepingCapacity: true)
            event.appendJSON(to: &text)
        }
    }
}
