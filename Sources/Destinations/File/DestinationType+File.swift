public import Collector

extension DestinationType {
    /// Appends events to files.
    public static let file = DestinationType(
        name: "file",
        packages: ["@walkeros/server-destination-file"],
        summary: "Appends each event to a file, as a line of JSON, csv or tsv.",
        settings: [
            SettingDescription(
                "filename",
                .mappingValue,
                isRequired: true,
                "The file's path, or a mapping value that each event's is made of; folders are created."
            ),
            SettingDescription(
                "directory",
                .string,
                "The folder in which the name is looked for; required where events choose it. None leads out of it."
            ),
            SettingDescription(
                "format",
                .choice(FileSettings.Format.allCases.map(\.rawValue) + [FileSettings.formatAlias]),
                default: "jsonl",
                "How a line is written."
            ),
            SettingDescription("fields", .strings, "The paths of a csv or tsv line's values, such as \"data.id\"."),
            SettingDescription(
                "content",
                .choice(FileSettings.Content.allCases.map(\.rawValue)),
                default: "event",
                "What a line is made of: the event, or what mapping made of it."
            ),
            SettingDescription(
                "formulas",
                .choice(["keep", "escape"]),
                default: "keep",
                "Whether an apostrophe is put before csv and tsv text that a spreadsheet takes for a formula."
            ),
            SettingDescription(
                "rotation",
                .object([
                    SettingDescription("size", .integer(FileSettings.sizes), "Bytes that a file does not pass."),
                    SettingDescription(
                        "age",
                        .integer(FileSettings.milliseconds),
                        "Milliseconds from a file's first line until it is put away."
                    ),
                    SettingDescription(
                        "keep",
                        .integer(FileSettings.sizes),
                        "Files put away that stay; beyond it the oldest is deleted."
                    ),
                ]),
                "When a file is put away under another name and a new one begun."
            ),
            SettingDescription("compress", .choice(["gzip"]), "How files that were put away are compressed."),
            SettingDescription(
                "fsync",
                .any,
                default: "batch",
                "When files are synchronized: \"batch\" (before its events count as delivered), \"interval\" (1000 ms) or "
                    + "a number of milliseconds, \"never\"."
            ),
            SettingDescription(
                "maxOpenFiles",
                .integer(FileSettings.openFileCounts),
                default: "64",
                "Files with names from events that are open at most."
            ),
            SettingDescription(
                "mode",
                .string,
                default: "0640",
                "The permissions of new files in octal; folders may be entered by who may read."
            ),
        ]
    ) { settings, path, problems in
        FileDestination(settings: FileSettings(settings, path: path, problems: &problems))
    }
}
