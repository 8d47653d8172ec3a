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
/// Settings: `filename`; `format` "jsonl" (default), "csv" or "tsv"; `fields`, the paths of the values of a csv or tsv
/// line. Folders are created. A line is written whole or not at all; a full disk is retried.
public final class FileDestination: PreviewableDestination {
    /// "file".
    public var type: String { "file" }
    private let filename: String
    private let line: FileLine
    private let file = Mutex<(descriptor: Int32, writer: BlockingWriter)?>(nil)

    init(filename: String, line: FileLine) {
        self.filename = filename
        self.line = line
    }

    /// A destination that appends events as lines of JSON.
    public convenience init(filename: String) {
        self.init(filename: filename, line: .json)
    }

    /// Opens the file, creating it and its folders.
    ///
    /// - Throws: an error with the operating system's words if the file cannot be opened.
    public func initialize(_ context: DestinationContext) async throws -> DestinationReadiness {
        try createFolders()
        let descriptor = open(filename, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o640)
        guard descriptor >= 0 else { throw WriteFailure("open \(filename)", number: errno) }
        let writer = BlockingWriter(descriptor: descriptor, label: "collectord.file.\(context.id)")
        let isFirst = lseek(descriptor, 0, SEEK_END) == 0
        file.withLock { $0 = (descriptor, writer) }
        if isFirst, let header = line.header { try await writer.write(header) }
        return .ready
    }

    private func createFolders() throws {
        for (index, character) in zip(filename.indices, filename) where character == "/" && index > filename.startIndex
        {
            let folder = String(filename[..<index])
            guard mkdir(folder, 0o750) == 0 || errno == EEXIST else {
                throw WriteFailure("create folder \(folder)", number: errno)
            }
        }
    }

    /// Appends the batch with one write.
    public func deliver(_ batch: DeliveryBatch) async -> [DeliveryOutcome] {
        guard let writer = file.withLock({ $0?.writer }) else {
            return batch.deliveries.map { _ in .retry(reason: "the file is not open") }
        }
        var text: [UInt8] = []
        for delivery in batch.deliveries { text += line.text(of: delivery.event) }
        do throws(WriteFailure) {
            try await writer.write(text)
            return batch.deliveries.map { _ in .delivered() }
        } catch {
            let reason = "\(filename): \(error)"
            return batch.deliveries.map { _ in error.isTransient ? .retry(reason: reason) : .rejected(reason: reason) }
        }
    }

    /// The line that would be appended.
    public func preview(_ delivery: Delivery) -> [String] {
        let text = line.text(of: delivery.event).dropLast()
        return ["append", filename, String(decoding: text, as: UTF8.self)]
    }

    /// Closes the file.
    public func destroy(_ context: DestinationContext) async throws {
        let descriptor = file.withLock { file in
            let descriptor = file?.descriptor
            file = nil
            return descriptor
        }
        if let descriptor { close(descriptor) }
    }
}

extension DestinationType {
    private enum Format: String, CaseIterable {
        case jsonl, csv, tsv
    }

    /// Appends events to a file.
    public static let file = DestinationType(
        name: "file",
        packages: ["@walkeros/server-destination-file"],
        summary: "Appends each event to a file, as a line of JSON, csv or tsv.",
        settings: [
            SettingDescription("filename", .string, isRequired: true, "The file's path; folders are created."),
            SettingDescription(
                "format",
                .choice(Format.allCases.map(\.rawValue)),
                default: "jsonl",
                "How a line is written."
            ),
            SettingDescription("fields", .strings, "The paths of a csv or tsv line's values, such as \"data.id\"."),
        ]
    ) { settings, path, problems in
        var reader = SettingsReader(
            settings,
            path: path,
            known: ["filename", "format", "fields"],
            of: "a file destination",
            &problems
        )
        let filename = reader.string("filename")
        let format = reader.choice("format", Format.self) ?? .jsonl
        let fields = reader.strings("fields") ?? []
        if filename == nil, reader.members["filename"].isMissing {
            reader.problems.add(path, "file destination: 'filename' is required (string)")
        }
        if format != .jsonl, fields.isEmpty {
            reader.problems.add(path, "file destination: format '\(format.rawValue)' requires non-empty 'fields'")
        }
        problems = reader.problems
        let line: FileLine =
            switch format {
            case .jsonl: .json
            case .csv: .csv(fields.map(MemberPath.init))
            case .tsv: .tsv(fields.map(MemberPath.init))
            }
        return FileDestination(filename: filename ?? "", line: line)
    }
}
