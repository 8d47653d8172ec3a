import ArgumentParser
import DurableLog
import EventLog
import Foundation

/// How much the log keeps, and for how long.
struct LogSizeOptions: ParsableArguments {
    @Option(
        name: .customLong("log-max-size"),
        help: """
            Bytes that the log takes of the disk, such as 500MB or 10GiB; beyond it events are refused for now, or given \
            up as a destination's "whenFull" says. Default: COLLECTORD_LOG_MAX_SIZE, else as many as there are.
            """
    )
    var maximumSize: String?

    @Option(
        name: .customLong("log-retention"),
        help: """
            How long events stay once every destination has them, such as 7d or 36h. Default: COLLECTORD_LOG_RETENTION, \
            else 7d.
            """
    )
    var retention: String?

    @Option(
        name: .customLong("dead-letter-max-size"),
        help: """
            Bytes of dead letters that are kept for each destination; beyond it the oldest are given up. Default: \
            COLLECTORD_DEAD_LETTER_MAX_SIZE, else a tenth of --log-max-size, else as many as there are.
            """
    )
    var maximumDeadLetterSize: String?

    /// The smallest limits: a request and its dead letters must fit in.
    static let smallestSize = ByteSize(byteCount: 16 << 20)
    static let smallestDeadLetterSize = ByteSize(byteCount: 1 << 20)

    func validate() throws {
        // What is wrong with the environment is said when the log is opened.
        _ = try settings { _ in nil }
    }

    var isEmpty: Bool { maximumSize == nil && retention == nil && maximumDeadLetterSize == nil }

    /// What the options ask for, and the environment where they are silent.
    struct Settings: Equatable {
        var maximumSize: ByteSize?
        var retention = TimeSpan(milliseconds: 7 * 86_400_000)
        var maximumDeadLetterSize: ByteSize?

        /// The limits of the store.
        var storeLimits: StoreLimits {
            maximumSize.map { StoreLimits(maximumStoreByteCount: $0.byteCount) } ?? StoreLimits()
        }

        /// What is kept in the streams.
        var logOptions: EventLog.Options {
            var options = EventLog.Options()
            options.pieceByteCount = min(options.pieceByteCount, storeLimits.segmentByteCount)
            options.retention.maximumAgeMilliseconds = retention.milliseconds
            options.maximumDeadLetterByteCount =
                (maximumDeadLetterSize?.byteCount ?? maximumSize.map { $0.byteCount / 10 }).map { Int(clamping: $0) }
            return options
        }
    }

    /// - Throws: `ValidationError` with what was written, where, and what may be.
    func settings(_ variable: (String) -> String?) throws -> Settings {
        var settings = Settings()
        func given(_ option: String?, _ name: String, _ flag: String) -> (text: String, place: String)? {
            if let option { return (option, flag) }
            return variable(name).flatMap { $0.isEmpty ? nil : ($0, name) }
        }
        func size(_ option: String?, _ name: String, _ flag: String, atLeast least: ByteSize) throws -> ByteSize? {
            guard let (text, place) = given(option, name, flag) else { return nil }
            guard let size = ByteSize(text), size.byteCount >= least.byteCount else {
                throw ValidationError(
                    "\(place) is a size of at least \(least), such as 500MB or 10GiB, not \"\(text)\""
                )
            }
            return size
        }
        settings.maximumSize = try size(
            maximumSize,
            "COLLECTORD_LOG_MAX_SIZE",
            "--log-max-size",
            atLeast: Self.smallestSize
        )
        settings.maximumDeadLetterSize = try size(
            maximumDeadLetterSize,
            "COLLECTORD_DEAD_LETTER_MAX_SIZE",
            "--dead-letter-max-size",
            atLeast: Self.smallestDeadLetterSize
        )
        if let (text, place) = given(retention, "COLLECTORD_LOG_RETENTION", "--log-retention") {
            guard let span = TimeSpan(text) else {
                throw ValidationError("\(place) is a span of time such as 7d, 36h, 90m or 30s, not \"\(text)\"")
            }
            settings.retention = span
        }
        if let whole = settings.maximumSize, let letters = settings.maximumDeadLetterSize,
            letters.byteCount > whole.byteCount / 2
        {
            throw ValidationError("--dead-letter-max-size is at most half of --log-max-size, which is \(whole)")
        }
        return settings
    }
}
