import Collector
public import EventJSON

/// What a check found: faults, things to look at, and what it learnt on the way.
public struct CheckReport: Sendable, Equatable {
    /// One thing found.
    public struct Finding: Sendable, Equatable {
        /// The place: `data.title`; "root" for the whole.
        public let path: String
        /// What is wrong and, where there is a remedy, what to write.
        public let message: String
        /// A name for programs, such as "MISSING_EVENT_NAME"; nil for warnings.
        public let code: String?
    }

    /// What makes the checked thing useless as it is.
    public internal(set) var errors: [Finding] = []
    /// What may be meant otherwise.
    public internal(set) var warnings: [Finding] = []
    /// What was learnt, such as an event's entity and action.
    public internal(set) var details: JSONObject = [:]

    /// Whether there are no errors.
    public var isValid: Bool { errors.isEmpty }

    mutating func fail(_ path: String, _ code: String, _ message: String) {
        errors.append(Finding(path: path, message: message, code: code))
    }

    mutating func warn(_ path: String, _ message: String) {
        warnings.append(Finding(path: path, message: message, code: nil))
    }

    /// The problems of a configuration as errors.
    mutating func fail(_ problems: ConfigurationProblems, _ code: String) {
        for problem in problems.list {
            fail(problem.path.isEmpty ? "root" : problem.path.joined(separator: "."), code, problem.message)
        }
    }

    /// The report as JSON: `{"valid": …, "type": …, "errors": […], "warnings": […], "details": {…}}`.
    public func json(type: String) -> JSONValue {
        [
            "valid": .bool(isValid), "type": .string(type), "errors": .array(errors.map(Self.json)),
            "warnings": .array(warnings.map(Self.json)), "details": .object(details),
        ]
    }

    private static func json(_ finding: Finding) -> JSONValue {
        var object: JSONObject = ["path": .string(finding.path), "message": .string(finding.message)]
        if let code = finding.code { object["code"] = .string(code) }
        return .object(object)
    }
}
