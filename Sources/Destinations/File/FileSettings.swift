public import Collector

/// What a file destination writes, where, and how safely.
///
/// ```swift
/// var settings = FileSettings(filename: "/var/log/events.jsonl")
/// settings.rotation = FileRotation(maximumByteCount: 100_000_000, keptCount: 10)
/// settings.isCompressed = true
/// ```
public struct FileSettings: Sendable {
    /// How a file is called.
    public enum Name: Sendable {
        /// By this path; relative to `directory`, if there is one, and then without links and `..`.
        case fixed(String)
        /// As each event says; relative to `directory`.
        case perEvent(ValueMapping)
    }

    /// How a line is written.
    public enum Format: String, Sendable, CaseIterable {
        /// JSON.
        case jsonl
        /// Values with commas between them ([RFC 4180](https://www.rfc-editor.org/rfc/rfc4180)).
        case csv
        /// Values with tabs between them.
        case tsv
    }

    /// What a line is made of.
    public enum Content: String, Sendable, CaseIterable {
        /// The event.
        case event
        /// What mapping made of it; the event, if that is nothing.
        case data
    }

    /// What has to be done before events count as delivered, so that a loss of power does not lose them.
    public enum Durability: Sendable, Equatable {
        /// Each batch is synchronized first.
        case batch
        /// Files are synchronized at most so many milliseconds later.
        case interval(milliseconds: Int)
        /// The operating system writes when it wants to.
        case never
    }

    /// How the file is called.
    public var name: Name
    /// The folder in which names are looked for; required where events choose them.
    public var directory: String?
    /// How a line is written. Default JSON.
    public var format = Format.jsonl
    /// The paths of the values of a csv or tsv line, such as "data.id".
    public var fields: [String] = []
    /// What a line is made of. Default the event.
    public var content = Content.event
    /// Whether text that a spreadsheet would take for a formula is written behind an apostrophe. Default false.
    public var escapesFormulas = false
    /// When files are put away. Default never.
    public var rotation = FileRotation()
    /// Whether files that were put away are compressed by gzip. Default false.
    public var isCompressed = false
    /// When files are synchronized. Default for each batch.
    public var durability = Durability.batch
    /// How many files with names from events are open at most. Default 64.
    public var maximumOpenFileCount = 64
    /// Who may read and write what is created. Default 0640, and 0750 for folders.
    public var mode = FileMode.standard

    /// Settings for a file with that name.
    public init(_ name: Name) {
        self.name = name
    }

    /// Settings for a file with that path.
    public init(filename: String) {
        self.init(.fixed(filename))
    }

    /// The file, where its name is fixed; nil if events choose, or if the name breaks a rule.
    var place: FilePlace? {
        guard case .fixed(let path) = name else { return nil }
        guard let directory else { return FilePlace(path: path) }
        return (try? FileName(path)).map { FilePlace($0, in: directory) }
    }

    /// How a file is called in logs and reasons: names from events may hold personal data and are left out.
    func label(of place: FilePlace) -> String {
        if case .fixed = name { place.path } else { "\(place.folder)/…" }
    }
}
