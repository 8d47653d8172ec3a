public import Logging
import Synchronization

/// Keeps what is logged, so that a test can look at it.
///
/// ```swift
/// let logs = RecordedLogs()
/// let collector = Collector(logger: logs.logger())
/// logs.messages(at: .warning)   // ["unknown command"]
/// ```
public final class RecordedLogs: Sendable {
    /// One record.
    public struct Entry: Sendable {
        /// The record's level.
        public let level: Logger.Level
        /// The message.
        public let message: String
        /// The metadata, the logger's own included.
        public let metadata: Logger.Metadata
    }

    private let records = Mutex<[Entry]>([])

    /// No records yet.
    public init() {}

    /// A logger that records here.
    public func logger(label: String = "test", level: Logger.Level = .trace) -> Logger {
        var logger = Logger(label: label) { _ in Handler(logs: self) }
        logger.logLevel = level
        return logger
    }

    /// Everything recorded so far.
    public var entries: [Entry] { records.withLock { $0 } }

    /// The messages of one level.
    public func messages(at level: Logger.Level) -> [String] {
        entries.filter { $0.level == level }.map(\.message)
    }

    private struct Handler: LogHandler {
        let logs: RecordedLogs
        var metadata: Logger.Metadata = [:]
        var logLevel = Logger.Level.trace

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            let entry = Entry(
                level: event.level,
                message: event.message.description,
                metadata: metadata.merging(event.metadata ?? [:]) { _, new in new }
            )
            logs.records.withLock { $0.append(entry) }
        }
    }
}
