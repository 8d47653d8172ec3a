import Collector
public import EventJSON
import JSONSchema

/// Checks whether a value is an event, as walkerOS's `validate --type event` does.
public enum EventCheck {
    /// How much is asked.
    public enum Level: String, CaseIterable, Sendable {
        /// A name.
        case minimal
        /// A name, and members of the right kinds.
        case standard
        /// A name of two words, and members of the right kinds; says when consent is missing.
        case strict
    }

    /// What is wrong with the event. Members that the model does not know are no fault.
    public static func check(_ value: JSONValue, level: Level = .strict) -> CheckReport {
        var report = CheckReport()
        guard let event = value.object else {
            report.fail("root", "NOT_AN_OBJECT", "Event must be an object")
            return report
        }
        checkName(event["name"], level, &report)
        if level == .minimal { return report }
        checkMembers(value, &report)
        if level == .strict {
            if !event["consent"].isTruthy { report.warn("consent", "No consent object provided") }
            for (name, member) in [("hasConsent", "consent"), ("hasData", "data"), ("hasContext", "context")] {
                report.details[name] = .bool(event[member].isTruthy)
            }
        }
        return report
    }

    private static func checkName(_ value: JSONValue, _ level: Level, _ report: inout CheckReport) {
        if value.isMissing { return report.fail("name", "MISSING_EVENT_NAME", "Event must have a name field") }
        let words = value.string?.trimmingJavaScriptWhiteSpace().split(whereSeparator: \.isWhitespace) ?? []
        guard let name = value.string, let action = words.last else {
            return report.fail("name", "EMPTY_EVENT_NAME", "Event name cannot be empty")
        }
        if name.contains(" ") {
            report.details["entity"] = .string(words.dropLast().joined(separator: " "))
            report.details["action"] = .string(String(action))
        } else if level != .minimal {
            report.details["entity"] = .null
            report.details["action"] = .null
            if level == .strict {
                report.fail(
                    "name",
                    "INVALID_EVENT_NAME",
                    "Event name must be \"entity action\" format with space (e.g., \"page view\")"
                )
            } else {
                report.warn(
                    "name",
                    "Event name \"\(name)\" should follow \"ENTITY ACTION\" format (e.g., \"page view\")"
                )
            }
        }
    }

    private static func checkMembers(_ event: JSONValue, _ report: inout CheckReport) {
        var paths: Set<String> = []
        for issue in EventFormat.open.issues(in: event) {
            // "#/data/title", of which the name's own fault has been told.
            let path = String(issue.path.dropFirst(2)).replacing("/", with: ".")
            guard path != "name", paths.insert(path).inserted else { continue }
            report.fail(path, "SCHEMA_VALIDATION", issue.message)
        }
    }
}
