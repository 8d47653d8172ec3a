import Collector
import EventJSON

/// An event's values for the columns of ``SQLiteTable``.
struct SQLiteRow: Sendable, Equatable {
    /// A value as SQLite stores it.
    enum Value: Sendable, Equatable {
        case integer(Int64)
        case real(Double)
        case text(String)

        /// The value for people.
        var shown: String {
            switch self {
            case .integer(let number): String(number)
            case .real(let number): String(number)
            case .text(let text): text
            }
        }
    }

    let values: [Value]

    /// The row of an event. What is missing is the empty text; objects are JSON.
    init(_ event: Event) {
        let data = event[.data]
        let user = event[.user]
        let source = event[.source]
        values = [
            Self.timestamp(event[.timestamp]),
            Self.text(event[.id]),
            Self.text(event[.name]),
            Self.text(event[.entity]),
            Self.text(event[.action]),
            Self.text(user["session"]),
            Self.text(user["id"]),
            Self.text(source["url"]),
            Self.text(data["title"].string == nil ? .missing : data["title"]),
            Self.text(source["referrer"]),
            Self.object(data),
            Self.object(event[.globals]),
            Self.object(event[.consent]),
        ]
    }

    private static func timestamp(_ value: JSONValue) -> Value {
        guard let number = value.number, number.isFinite else { return .text("") }
        return number.integer.map { .integer(Int64($0)) } ?? .real(number.double)
    }

    private static func text(_ value: JSONValue) -> Value {
        switch value {
        case .missing, .null: .text("")
        // A text in SQLite ends with its first NUL, so that two ids could become one.
        case .string(let text) where !text.utf8.contains(0): .text(text)
        default: .text(String(decoding: value.jsonText, as: UTF8.self))
        }
    }

    private static func object(_ value: JSONValue) -> Value {
        .text(value.object == nil ? "{}" : String(decoding: value.jsonText, as: UTF8.self))
    }
}
