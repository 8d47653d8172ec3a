import Collector
import EventJSON
import Testing

@testable import Destinations

/// Reading settings, and what is refused.
@Suite("file: settings")
struct FileSettingsTests {
    private func read(_ settings: JSONObject) -> (settings: FileSettings, problems: [String]) {
        var problems = ConfigurationProblems()
        let read = FileSettings(.object(settings), path: ["settings"], problems: &problems)
        return (read, problems.list.map(\.description))
    }

    @Test("defaults")
    func defaults() throws {
        let (settings, problems) = read(["filename": "/a/e.jsonl"])
        #expect(problems.isEmpty)
        #expect(settings.place == FilePlace(path: "/a/e.jsonl"))
        #expect(settings.durability == .batch)
        #expect(settings.rotation == FileRotation())
        #expect(settings.maximumOpenFileCount == 64)
        #expect(!settings.isCompressed && !settings.escapesFormulas)
        #expect(settings.mode.file == 0o640 && settings.mode.folder == 0o750)
    }

    @Test("everything is read")
    func everything() throws {
        let (settings, problems) = read([
            "filename": "a/e.csv", "directory": "/var/events", "format": "csv", "fields": ["name"], "content": "data",
            "formulas": "escape", "rotation": ["size": 10, "age": 20, "keep": 30], "compress": "gzip", "fsync": 250,
            "maxOpenFiles": 5, "mode": "0600",
        ])
        #expect(problems.isEmpty)
        #expect(settings.place?.path == "/var/events/a/e.csv")
        #expect(settings.place?.isConfined == true)
        #expect(settings.rotation == FileRotation(maximumByteCount: 10, maximumAgeMilliseconds: 20, keptCount: 30))
        #expect(settings.durability == .interval(milliseconds: 250))
        #expect(settings.isCompressed && settings.escapesFormulas && settings.content == .data)
        #expect(settings.maximumOpenFileCount == 5 && settings.mode.file == 0o600)
    }

    @Test(
        "what cannot be honoured is refused with its place",
        arguments: [
            (["filename": ""], "settings: file destination: 'filename' is required (string or Mapping.Value)"),
            (["filename": nil], "settings: file destination: 'filename' is required (string or Mapping.Value)"),
            (["filename": 5], "settings: file destination: 'filename' must be a string or a Mapping.Value"),
            (["filename": true], "settings: file destination: 'filename' must be a string or a Mapping.Value"),
            (
                ["filename": ["kye": "data.x"], "directory": "d"],
                "settings.filename.kye: unknown member of a mapping value; did you mean \"key\"?"
            ),
            (
                ["filename": ["key": "data.x"]],
                "settings.directory: is required where events choose the filename: they stay inside this folder"
            ),
            (
                ["filename": "../x", "directory": "d"],
                "settings.filename: has a segment that begins with a dot; without \"directory\" it may be any path"
            ),
            (["filename": "a/"], "settings.filename: is the path of a file, not of a folder"),
            (["filename": "a/.."], "settings.filename: is the path of a file, not of a folder"),
            (["filename": "a\0b"], "settings.filename: is the path of a file, not of a folder"),
            (
                ["filename": "x.gz", "rotation": ["size": 1]],
                "settings.filename: with \"rotation\", a file's name has at most 200 bytes, does not end in .gz, and does not look like that of a rotated file"
            ),
            (
                ["filename": "x", "format": "tsv"],
                "settings: file destination: format 'tsv' requires non-empty 'fields'"
            ),
            (
                ["filename": "x", "format": "csv", "fields": []],
                "settings: file destination: format 'csv' requires non-empty 'fields'"
            ),
            (["filename": "x", "content": "both"], "settings.content: is one of event, data"),
            (["filename": "x", "formulas": true], "settings.formulas: is one of keep, escape"),
            (
                ["filename": "x", "rotation": 5],
                "settings.rotation: is an object with \"size\" in bytes, \"age\" in milliseconds, or both"
            ),
            (
                ["filename": "x", "rotation": ["keep": 5]],
                "settings.rotation: needs \"size\" in bytes, \"age\" in milliseconds, or both"
            ),
            (
                ["filename": "x", "rotation": ["size": 0]],
                "settings.rotation.size: is a whole number from 1 to 9223372036854775807"
            ),
            (
                ["filename": "x", "rotation": ["size": 1, "kep": 1]],
                "settings.rotation.kep: unknown member of the settings of a file destination's rotation; did you mean \"keep\"?"
            ),
            (
                ["filename": "x", "compress": "gzip"],
                "settings.compress: needs \"rotation\": only files that were put away are compressed"
            ),
            (["filename": "x", "compress": "zip", "rotation": ["size": 1]], "settings.compress: is one of gzip"),
            (
                ["filename": "x", "fsync": "sometimes"],
                "settings.fsync: is \"batch\", \"interval\" (1000 ms), \"never\", or a number of milliseconds"
            ),
            (
                ["filename": "x", "fsync": 0],
                "settings.fsync: is \"batch\", \"interval\" (1000 ms), \"never\", or a number of milliseconds"
            ),
            (["filename": "x", "maxOpenFiles": 0], "settings.maxOpenFiles: is a whole number from 1 to 10000"),
            (
                ["filename": "x", "mode": "0666"],
                "settings.mode: is octal text from \"0600\" to \"0664\", such as \"0640\""
            ),
            (
                ["filename": "x", "mode": "0400"],
                "settings.mode: is octal text from \"0600\" to \"0664\", such as \"0640\""
            ),
            (
                ["filename": "x", "mode": "4640"],
                "settings.mode: is octal text from \"0600\" to \"0664\", such as \"0640\""
            ),
            (
                ["filename": "x", "mode": "rw"],
                "settings.mode: is octal text from \"0600\" to \"0664\", such as \"0640\""
            ),
        ] as [(JSONObject, String)]
    )
    func refusals(_ settings: JSONObject, _ problem: String) {
        #expect(read(settings).problems == [problem])
    }

    @Test("the preview shows path and line, or why the event would be rejected")
    func preview() throws {
        let event = try Event(jsonText: Array(#"{"name":"a b","data":{"f":"x/y"}}"#.utf8))
        let line = #"{"name":"a b","data":{"f":"x/y"}}"#
        for (settings, expected) in [
            (["filename": "/a/e"], ["append", "/a/e", line]),
            (["filename": ["key": "data.f"], "directory": "d"], ["append", "d/x/y", line]),
            (["filename": "e", "directory": "d"], ["append", "d/e", line]),
            (["filename": ["key": "data.g"], "directory": "d"], ["reject", FileNaming.noName]),
            (["filename": ["value": "../x"], "directory": "d"], ["reject", FileNaming.reason(.dot)]),
        ] as [(JSONObject, [String])] {
            let destination = FileDestination(settings: read(settings).settings)
            #expect(destination.preview(Delivery(event: event)) == expected)
        }
    }
}
