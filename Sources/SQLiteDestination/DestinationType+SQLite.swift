public import Collector

extension DestinationType {
    /// Writes events to a SQLite database.
    public static let sqlite = DestinationType(
        name: "sqlite",
        packages: ["@walkeros/server-destination-sqlite"],
        summary: "Writes each event as a row of a table in a SQLite database, each event once.",
        settings: [
            SettingDescription("sqlite", .object(sqliteSettings), isRequired: true, "Where rows are written, and how.")
        ],
        ruleSettings: [
            SettingDescription("table", .string, "The table for the rule's events; made when it is first needed.")
        ]
    ) { settings, path, problems in
        SQLiteDestination(SQLiteSettings(settings, path: path, problems: &problems))
    }

    private static let sqliteSettings = [
        SettingDescription("url", .string, isRequired: true, "The file's path, or :memory:."),
        SettingDescription("authToken", .string, "For libSQL servers, which are not spoken to: refused."),
        SettingDescription("table", .string, default: "events", "The table."),
        SettingDescription(
            "schema",
            .choice(SQLiteSettings.Schema.allCases.map(\.rawValue)),
            default: "auto",
            "Whether a missing table is made (auto) or is somebody else's to make (manual)."
        ),
        SettingDescription(
            "synchronous",
            .choice(SQLiteSettings.Synchronous.allCases.map(\.rawValue)),
            default: "full",
            "Whether an event counts as delivered when it is on the disk (full) or in the file (normal)."
        ),
        SettingDescription(
            "busyTimeout",
            .integer(SQLiteSettings.busyTimeouts),
            default: "2000",
            "Milliseconds that another connection's lock is waited for at each attempt."
        ),
    ]
}
