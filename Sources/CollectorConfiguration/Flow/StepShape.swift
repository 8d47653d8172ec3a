import Collector
import EventJSON

/// The kinds of steps in a flow.
enum StepKind: String, CaseIterable {
    case source = "Source"
    case transformer = "Transformer"
    case destination = "Destination"
    case store = "Store"

    /// The kind in a sentence: "a source".
    var article: String { "a \(rawValue.lowercased())" }

    /// The members that an entry of the kind may have.
    var members: [String] {
        let common = [
            "package", "import", "code", "cache", "config", "env", "variables", "examples", "disabled", "id", "logger",
            "mock", "chainMocks",
        ]
        let own: [String] =
            switch self {
            case .source: ["before", "next", "state", "primary"]
            case .transformer: ["before", "next", "state", "mapping"]
            case .destination: ["before", "next", "state"]
            case .store: []
            }
        return (common + own).sorted()
    }
}

/// Something wrong with the members of a step's entry.
struct StepFault: Equatable {
    /// walkerOS's names for such faults.
    enum Code: String {
        case unknownKey = "UNKNOWN_KEY"
        case obsoleteCode = "OBSOLETE_CODE_STRING"
        case codeShape = "INVALID_CODE_SHAPE"
        case conflict = "CONFLICT"
        case missingPackage = "MISSING_PACKAGE"
        case invalidImport = "INVALID_IMPORT"
    }

    let code: Code
    /// The member at fault.
    let key: String
    /// What is wrong and what to write instead.
    let message: String
}

/// Checks which members a step's entry has, and which go together.
enum StepShape {
    /// Everything that is wrong with an entry's members.
    static func faults(_ entry: JSONObject, kind: StepKind) -> [StepFault] {
        unknown(entry, kind: kind) + code(entry) + imported(entry)
    }

    private static func unknown(_ entry: JSONObject, kind: StepKind) -> [StepFault] {
        var problems = ConfigurationProblems()
        problems.refuseUnknownMembers(entry.map(\.name), known: kind.members, path: [], of: kind.article)
        return problems.list.map { StepFault(code: .unknownKey, key: $0.path[0], message: $0.message) }
    }

    private static func code(_ entry: JSONObject) -> [StepFault] {
        switch entry["code"] {
        case .missing: return []
        case .string:
            let message = "a name alone is written \"import\", beside \"package\""
            return [StepFault(code: .obsoleteCode, key: "code", message: message)]
        case .object:
            return ["package", "import"].filter { !entry[$0].isMissing }.map {
                StepFault(code: .conflict, key: $0, message: "stands beside \"code\"; only one of them can be meant")
            }
        default: return [StepFault(code: .codeShape, key: "code", message: "\"code\" is an object")]
        }
    }

    private static func imported(_ entry: JSONObject) -> [StepFault] {
        if entry["import"].isMissing || !entry["code"].isMissing { return [] }
        if entry["package"].isMissing {
            let message = "\"import\" names a part of a package; name the \"package\""
            return [StepFault(code: .missingPackage, key: "import", message: message)]
        }
        guard let name = entry["import"].string, isIdentifier(name) else {
            let message = "\"import\" is a name of letters, digits, \"_\" and \"$\""
            return [StepFault(code: .invalidImport, key: "import", message: message)]
        }
        return []
    }

    private static func isIdentifier(_ name: String) -> Bool {
        guard let first = name.utf8.first else { return false }
        func isPart(_ byte: UInt8) -> Bool { ReferencePattern.isWord(byte) || byte == UInt8(ascii: "$") }
        return !(0x30...0x39 ~= first) && name.utf8.allSatisfy(isPart)
    }
}
