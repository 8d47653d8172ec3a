public import Collector
import EventJSON
import Synchronization

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// Appends each event to a file, one line each: JSON, or the values of some of its members.
///
/// A batch is one write for each file; a line is there whole or not at all. Unless the settings say otherwise, an event
/// counts as delivered once it survives a loss of power. What it does when disks fail, files are moved or names are
/// bad: see `docs/destinations.md`.
public final class FileDestination: PreviewableDestination {
    /// "file".
    public var type: String { "file" }
    private let settings: FileSettings
    private let line: FileLine
    private let time: CollectorTime
    private let systemSynchronize: @Sendable (Int32) -> Int32
    private let writer = Mutex<FileWriter?>(nil)

    /// A destination with these settings; `time` tells when files are put away.
    public convenience init(settings: FileSettings, time: CollectorTime = .system) {
        #if os(Linux)
        self.init(settings: settings, time: time, systemSynchronize: { fdatasync($0) })
        #else
        self.init(settings: settings, time: time, systemSynchronize: { fsync($0) })
        #endif
    }

    /// A destination that appends events to a file as lines of JSON.
    public convenience init(filename: String) {
        self.init(settings: FileSettings(filename: filename))
    }

    init(settings: FileSettings, time: CollectorTime, systemSynchronize: @escaping @Sendable (Int32) -> Int32) {
        self.settings = settings
        self.time = time
        self.systemSynchronize = systemSynchronize
        line = FileLine(settings)
    }

    /// Opens the file, creating it and its folders; with names from events, the folder.
    ///
    /// - Throws: an error with the operating system's words if that cannot be done, or if another process holds the
    ///   file.
    public func initialize(_ context: DestinationContext) async throws -> DestinationReadiness {
        let writer = FileWriter(
            settings: settings,
            header: line.header,
            id: context.id,
            time: time,
            logger: context.logger,
            systemSynchronize: systemSynchronize
        )
        do {
            try await writer.start()
        } catch {
            await writer.end()
            let place = settings.place?.path ?? settings.directory ?? ""
            throw WriteFailure("\(place): \(error)", isTransient: true)
        }
        self.writer.withLock { $0 = writer }
        return .ready
    }

    /// Appends the batch with one write for each file.
    public func deliver(_ batch: DeliveryBatch) async -> [DeliveryOutcome] {
        guard let writer = writer.withLock({ $0 }) else {
            return batch.deliveries.map { _ in .retry(reason: "the file is not open") }
        }
        let lines = FileBatch(batch, line, settings, nowMilliseconds: time.nowMilliseconds)
        return lines.outcomes(await writer.append(lines.appends))
    }

    /// The line that would be appended, and where; or why the event would be rejected.
    public func preview(_ delivery: Delivery) -> [String] {
        let lines = FileBatch(DeliveryBatch([delivery]), line, settings, nowMilliseconds: time.nowMilliseconds)
        guard let append = lines.appends.first else {
            guard case .rejected(let reason) = lines.outcomes([]).first else { return [] }
            return ["reject", reason]
        }
        return ["append", append.place.path, String(decoding: append.text.dropLast(), as: UTF8.self)]
    }

    /// Closes the files, after what was written is as safe as the settings promise.
    public func destroy(_ context: DestinationContext) async throws {
        let writer = writer.withLock { place in
            let writer = place
            place = nil
            return writer
        }
        await writer?.end()
    }

    /// Returns once everything begun so far is done, also with files that were put away. For tests.
    func settled() async {
        await writer.withLock { $0 }?.settled()
    }
}
