import Logging
import Synchronization

extension Logger {
    /// Writes nothing.
    static var silent: Logger {
        Logger(label: "silent") { _ in SwiftLogNoOpLogHandler() }
    }
}
