import Logging
import NIOConcurrencyHelpers

/// Keeps log lines for a test to look at.
struct RecordingLogHandler: LogHandler {
    final class Storage: Sendable {
        private struct State {
            var lines: [String] = []
            var waiting: [(text: String, continuation: CheckedContinuation<Void, Never>)] = []
        }

        private let state = NIOLockedValueBox(State())

        func append(_ line: String) {
            self.update { $0.lines.append(line) }
        }

        var all: [String] { self.state.withLockedValue(\.lines) }

        /// Waits for a line with this text.
        func wait(for text: String) async {
            await withCheckedContinuation { continuation in
                self.update { $0.waiting.append((text, continuation)) }
            }
        }

        private func update(_ change: (inout State) -> Void) {
            let found = self.state.withLockedValue { state in
                change(&state)
                let lines = state.lines
                let isFound = { (text: String) in lines.contains { $0.contains(text) } }
                let found = state.waiting.filter { isFound($0.text) }
                state.waiting.removeAll { isFound($0.text) }
                return found
            }
            for waiter in found { waiter.continuation.resume() }
        }
    }

    let storage: Storage
    var metadata: Logger.Metadata = [:]
    var logLevel = Logger.Level.trace

    static func logger(_ storage: Storage) -> Logger {
        Logger(label: "test") { _ in RecordingLogHandler(storage: storage) }
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { self.metadata[key] }
        set { self.metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        self.storage.append("\(event.level): \(event.message) \(event.metadata ?? [:])")
    }
}
