import Logging
import Synchronization

/// Keeps log lines for a test to look at.
struct RecordingLogHandler: LogHandler {
    final class Storage: Sendable {
        private let lines = Mutex<[String]>([])

        func append(_ line: String) {
            self.lines.withLock { $0.append(line) }
        }

        var all: [String] { self.lines.withLock { $0 } }
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
