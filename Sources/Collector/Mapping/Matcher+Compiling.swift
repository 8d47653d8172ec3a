import EventJSON
import LinearExpressions

extension Matcher {
    /// Compiles a matcher expression; what cannot be honoured is noted and never matches.
    init(
        compiling value: JSONValue,
        path: [String],
        conditions: [String: MappingCondition] = [:],
        problems: inout ConfigurationProblems
    ) {
        switch value {
        case .missing, .string("*"): self = .always
        case .string(let name):
            if let condition = conditions[name] {
                self = .closure(condition)
            } else {
                problems.add(path, Self.stringRemedy(name))
                self = .any([])
            }
        case .object(let members):
            self.init(compiling: members, path: path, conditions: conditions, problems: &problems)
        default:
            problems.add(
                path,
                "a condition is an object like {\"key\": …, \"operator\": …, \"value\": …}, not a \(value.kindName)"
            )
            self = .any([])
        }
    }

    private static func stringRemedy(_ text: String) -> String {
        text.hasPrefix("$code:")
            ? "JavaScript cannot run here; write the condition as {\"key\": …, \"operator\": …, \"value\": …}"
            : "no condition of that name is registered; write {\"key\": …, \"operator\": …, \"value\": …}"
    }

    private init(
        compiling members: JSONObject,
        path: [String],
        conditions: [String: MappingCondition],
        problems: inout ConfigurationProblems
    ) {
        func list(_ name: String, problems: inout ConfigurationProblems) -> [Matcher]? {
            guard case .array(let elements) = members[name] else { return nil }
            return elements.enumerated().map { index, element in
                Matcher(
                    compiling: element,
                    path: path + [name, String(index)],
                    conditions: conditions,
                    problems: &problems
                )
            }
        }
        if let matchers = list("and", problems: &problems) {
            self = .all(matchers)
        } else if let matchers = list("or", problems: &problems) {
            self = .any(matchers)
        } else if let comparison = MatcherComparison(compiling: members, path: path, problems: &problems) {
            self = .comparison(comparison)
        } else {
            self = .any([])
        }
    }
}

extension MatcherComparison {
    fileprivate init?(compiling members: JSONObject, path: [String], problems: inout ConfigurationProblems) {
        problems.refuseUnknownMembers(
            members.map(\.name),
            known: ["key", "operator", "value", "not"],
            path: path,
            of: "a condition"
        )
        guard let key = members["key"].string else {
            problems.add(path + ["key"], "a condition needs \"key\", the path of the value to look at")
            return nil
        }
        guard let name = members["operator"].string else {
            problems.add(
                path + ["operator"],
                "a condition needs \"operator\", one of \(Self.operatorNames.joined(separator: ", "))"
            )
            return nil
        }
        let value = members["value"]
        let text = value.isMissing ? "" : value.javaScriptString
        switch name {
        case "eq":
            if !value.isMissing, value.string == nil {
                problems.add(
                    path + ["value"],
                    "\"eq\" compares text; put the value in quotes, as it would never be equal otherwise"
                )
            }
            comparison = .equals(value.string)
        case "contains": comparison = .contains(text)
        case "prefix": comparison = .prefix(text)
        case "suffix": comparison = .suffix(text)
        case "gt": comparison = .greater(value.javaScriptNumber)
        case "lt": comparison = .less(value.javaScriptNumber)
        case "exists": comparison = .exists
        case "regex":
            do {
                comparison = .pattern(try LinearExpression(text))
            } catch {
                problems.add(path + ["value"], "\(error)")
                return nil
            }
        default:
            let hint = NearestName.find(name, in: Self.operatorNames).map { "did you mean \"\($0)\"? " } ?? ""
            problems.add(
                path + ["operator"],
                "unknown operator; \(hint)Known are \(Self.operatorNames.joined(separator: ", "))"
            )
            return nil
        }
        self.path = MemberPath(key)
        self.isNegated = members["not"].isTruthy
    }
}
