import Collector
import EventJSON

/// Reading a file destination's settings, as flow.json has them.
extension FileSettings {
    private enum Compression: String, CaseIterable { case gzip }
    private enum Formulas: String, CaseIterable { case keep, escape }

    /// Another name of `jsonl`.
    static let formatAlias = "ndjson"
    private static let owner = "a file destination"
    static let sizes = 1...Int.max
    static let milliseconds = 1...Int.max
    static let openFileCounts = 1...10_000
    static let defaultIntervalMilliseconds = 1000

    init(_ settings: JSONValue, path: [String], problems: inout ConfigurationProblems) {
        var reader = SettingsReader(
            settings,
            path: path,
            known: DestinationType.file.settings.map(\.name),
            of: Self.owner,
            &problems
        )
        self.init(Self.name(&reader))
        directory = reader.string("directory")
        if reader.members["format"].string != Self.formatAlias {
            format = reader.choice("format", Format.self) ?? .jsonl
        }
        fields = reader.strings("fields") ?? []
        if format != .jsonl, fields.isEmpty {
            reader.problems.add(path, "file destination: format '\(format.rawValue)' requires non-empty 'fields'")
        }
        content = reader.choice("content", Content.self) ?? content
        escapesFormulas = reader.choice("formulas", Formulas.self) == .escape
        rotation = Self.rotation(&reader)
        isCompressed = reader.choice("compress", Compression.self) != nil
        if isCompressed, rotation.maximumByteCount == nil, rotation.maximumAgeMilliseconds == nil {
            reader.problems.add(path + ["compress"], "needs \"rotation\": only files that were put away are compressed")
        }
        durability = Self.durability(&reader)
        maximumOpenFileCount = reader.whole("maxOpenFiles", Self.openFileCounts) ?? maximumOpenFileCount
        if let text = reader.string("mode") {
            mode = FileMode(text) ?? mode
            if FileMode(text) == nil {
                reader.problems.add(path + ["mode"], "is octal text from \"0600\" to \"0664\", such as \"0640\"")
            }
        }
        checkName(&reader)
        problems = reader.problems
    }

    private static func name(_ reader: inout SettingsReader) -> Name {
        let value = reader.members["filename"]
        switch value {
        case .string(let text) where !text.isEmpty: return .fixed(text)
        case .object, .array:
            return .perEvent(ValueMapping(value, path: reader.path + ["filename"], problems: &reader.problems))
        case .missing, .null, .string:
            reader.problems.add(reader.path, "file destination: 'filename' is required (string or Mapping.Value)")
        default:
            reader.problems.add(reader.path, "file destination: 'filename' must be a string or a Mapping.Value")
        }
        return .fixed("-")
    }

    /// What can be said of names before there are events.
    private func checkName(_ reader: inout SettingsReader) {
        let place = reader.path + ["filename"]
        switch name {
        case .perEvent where directory == nil && reader.members["directory"].isMissing:
            reader.problems.add(
                reader.path + ["directory"],
                "is required where events choose the filename: they stay inside this folder"
            )
        case .perEvent: break
        case .fixed(let text) where directory != nil:
            do throws(FileName.Fault) {
                _ = try FileName(text)
            } catch {
                reader.problems.add(place, "\(error.rawValue); without \"directory\" it may be any path")
            }
        case .fixed(let text):
            let file = FilePlace(path: text).name
            if file.isEmpty || file == "." || file == ".." || text.utf8.contains(0) {
                reader.problems.add(place, "is the path of a file, not of a folder")
            } else if rotation != FileRotation(),
                file.utf8.count > FileName.maximumLastByteCount || file.hasSuffix(RotatedName.compressedSuffix)
                    || RotatedName(file) != nil
            {
                reader.problems.add(
                    place,
                    "with \"rotation\", a file's name has at most \(FileName.maximumLastByteCount) bytes, "
                        + "does not end in .gz, and does not look like that of a rotated file"
                )
            }
        }
    }

    private static func rotation(_ reader: inout SettingsReader) -> FileRotation {
        let value = reader.members["rotation"]
        if value.isMissing { return FileRotation() }
        let path = reader.path + ["rotation"]
        guard value.object != nil else {
            reader.problems.add(path, "is an object with \"size\" in bytes, \"age\" in milliseconds, or both")
            return FileRotation()
        }
        var inner = SettingsReader(
            value,
            path: path,
            known: ["size", "age", "keep"],
            of: "\(owner)'s rotation",
            &reader.problems
        )
        let rotation = FileRotation(
            maximumByteCount: inner.whole("size", sizes),
            maximumAgeMilliseconds: inner.whole("age", milliseconds),
            keptCount: inner.whole("keep", sizes)
        )
        if inner.members["size"].isMissing, inner.members["age"].isMissing {
            inner.problems.add(path, "needs \"size\" in bytes, \"age\" in milliseconds, or both")
        }
        reader.problems = inner.problems
        return rotation
    }

    private static func durability(_ reader: inout SettingsReader) -> Durability {
        let value = reader.members["fsync"]
        switch value {
        case .missing, "batch": return .batch
        case "interval": return .interval(milliseconds: defaultIntervalMilliseconds)
        case "never": return .never
        default:
            if let number = value.number?.integer, milliseconds.contains(number) {
                return .interval(milliseconds: number)
            }
            reader.problems.add(
                reader.path + ["fsync"],
                "is \"batch\", \"interval\" (\(defaultIntervalMilliseconds) ms), \"never\", or a number of milliseconds"
            )
            return .batch
        }
    }
}
