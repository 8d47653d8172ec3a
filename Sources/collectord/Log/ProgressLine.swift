import Foundation
import Synchronization

/// Says on standard error how far long work is, where a person looks at it.
struct ProgressLine {
    private let isShown = isatty(2) == 1
    private var lastPercentage = -1

    mutating func show(_ done: UInt64, of total: UInt64) {
        let percentage = total == 0 ? 100 : Int(Double(done) / Double(total) * 100)
        guard isShown, percentage != lastPercentage else { return }
        lastPercentage = percentage
        FileHandle.standardError.write(Data("\r\(percentage) %".utf8))
    }

    func end() {
        if isShown, lastPercentage >= 0 { FileHandle.standardError.write(Data("\r     \r".utf8)) }
    }
}

/// The same for work that goes on in several places.
final class SharedProgressLine: Sendable {
    private let line = Mutex(ProgressLine())

    func show(_ done: UInt64, of total: UInt64) { line.withLock { $0.show(done, of: total) } }
    func end() { line.withLock { $0.end() } }
}
