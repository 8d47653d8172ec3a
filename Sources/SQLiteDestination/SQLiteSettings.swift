import Collector
import EventJSON

/// The settings of a sqlite destination, checked.
struct SQLiteSettings: Sendable, Equatable {
    /// Who makes tables.
    enum Schema: String, Sendable, CaseIterable {
        /// The destination, where one is missing.
        case auto
        /// Somebody else.
        case manual
    }

    /// When an event counts as delivered.
    enum Synchronous: String, Sendable, CaseIterable {
        /// When it is on the disk, and a loss of power takes nothing away.
        case full
        /// When it is in the file: a loss of power may take the last events away, the end of the process does not.
        case normal
    }

    /// The file's path; nil for a database in memory, which ends with the destination.
    var path: String?
    var table: SQLiteTableName
    var schema = Schema.auto
    var synchronous = Synchronous.full
    /// How long another connection's lock is waited for.
    var busyTimeoutMilliseconds = 2000

    static let busyTimeouts = 0...60_000

    private static let names = ["url", "authToken", "table", "schema", "synchronous", "busyTimeout"]

    /// Reads `settings`; nil if something in it cannot be honoured, which is added to the problems.
    init?(_ settings: JSONValue, path: [String], problems: inout ConfigurationProblems) {
        let count = problems.list.count
        problems.refuseUnknownMembers(
            (settings.object ?? [:]).map(\.name),
            known: ["sqlite"],
            path: path,
            of: "the settings of a sqlite destination"
        )
        let path = path + ["sqlite"]
        let members = settings["sqlite"].object ?? [:]
        var reader = SettingsReader(.object(members), path: path, known: Self.names, of: "sqlite", &problems)
        if members["url"].isMissing { reader.problems.add(path + ["url"], "Config settings sqlite.url missing") }
        do throws(SQLiteFailure) {
            self.path = try reader.string("url").flatMap(Self.path)
        } catch {
            reader.problems.add(path + ["url"], error.reason)
        }
        if !members["authToken"].isMissing {
            reader.problems.add(path + ["authToken"], "is for libSQL servers only, and a file has none: leave it out")
        }
        table = .events
        do throws(SQLiteFailure) {
            if let name = reader.string("table") { table = try SQLiteTableName(name) }
        } catch {
            reader.problems.add(path + ["table"], error.reason)
        }
        schema = reader.choice("schema", Schema.self) ?? schema
        synchronous = reader.choice("synchronous", Synchronous.self) ?? synchronous
        busyTimeoutMilliseconds = reader.whole("busyTimeout", Self.busyTimeouts) ?? busyTimeoutMilliseconds
        problems = reader.problems
        if problems.list.count > count { return nil }
    }

    /// The path in a url; nil for a database in memory.
    ///
    /// - Throws: why it is none, and what to write instead; never the url, which may hold a token.
    private static func path(_ url: String) throws(SQLiteFailure) -> String? {
        if url == ":memory:" { return nil }
        let scheme = url.prefix { $0 != ":" && $0 != "/" }
        if url.dropFirst(scheme.count).hasPrefix("://"), scheme.lowercased() != "file" {
            throw SQLiteFailure(
                "servers (libsql, http, ws) are not spoken to: write a file's path, or send events to the server's own "
                    + "interface with an api destination"
            )
        }
        var path = url
        if url.lowercased().hasPrefix("file:") {
            path = String(url.dropFirst(5))
            if path.hasPrefix("//") {
                path = String(path.dropFirst(2))
                guard path.hasPrefix("/") else { throw SQLiteFailure("behind file:// stands an absolute path") }
            }
            if path.contains("?") || path.contains("%") || path.contains("#") {
                throw SQLiteFailure("behind file: stands a plain path, without parameters and percent-encoding")
            }
        }
        if path.isEmpty || path.utf8.contains(0) { throw SQLiteFailure("is a file's path, or :memory:") }
        return path
    }
}

/// Why something cannot be done, as a sentence with the remedy.
struct SQLiteFailure: Error, Equatable, CustomStringConvertible {
    let reason: String
    var description: String { reason }

    init(_ reason: String) {
        self.reason = reason
    }
}
