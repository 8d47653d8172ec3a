import Collector
import EventJSON

/// Replaces references in a configuration by what they stand for.
///
/// | reference | where | stands for |
/// |---|---|---|
/// | `$var.name.path` | a whole string, or inside one if scalar | a variable: of the step, the flow, or the file |
/// | `$env.NAME:default` | anywhere in a string | an environment variable, as text |
/// | `$secret.NAME` | a whole string, or inside one | `NAME`, or the content of the file that `NAME_FILE` names |
/// | `$flow.name.path` | a whole string | part of another flow's `config` |
/// | `$contract.name.path` | a whole string | a contract |
///
/// Errors are collected; a reference that cannot be resolved is left as it is.
struct ReferenceResolver {
    let file: JSONObject
    let environment: EnvironmentSource
    /// The contracts, resolved; nil while they themselves are being resolved.
    var contracts: JSONObject?
    var problems = ConfigurationProblems()
    /// The values of secrets met so far, so that no message ever repeats one.
    private(set) var secrets: Set<String> = []

    private var variableTrail: [String] = []
    private var flowTrail: [String] = []

    init(file: JSONObject, environment: EnvironmentSource) {
        self.file = file
        self.environment = environment
    }

    /// The value with every reference in it replaced. `scopes` are objects of variables, the nearest first.
    mutating func resolve(_ value: JSONValue, scopes: [JSONObject], path: [String]) -> JSONValue {
        switch value {
        case .object(let members):
            var result = JSONObject()
            for member in members {
                result[member.name] = resolve(member.value, scopes: scopes, path: path + [member.name])
            }
            return .object(result)
        case .array(let elements):
            return .array(
                elements.enumerated().map { resolve($1, scopes: scopes, path: path + [String($0)]) }
            )
        case .string(let text): return resolve(text, scopes: scopes, path: path)
        default: return value
        }
    }

    private mutating func resolve(_ text: String, scopes: [JSONObject], path: [String]) -> JSONValue {
        guard text.utf8.contains(UInt8(ascii: "$")) else { return .string(text) }
        if let (name, rest) = ReferencePattern.whole(text, kind: "var") {
            return variable(name, rest, scopes: scopes, path: path) ?? .string(text)
        }
        if let (name, rest) = ReferencePattern.whole(text, kind: "contract") {
            return contract(name, rest, path: path) ?? .string(text)
        }
        if let (name, rest) = ReferencePattern.whole(text, kind: "flow") {
            return flow(name, rest, scopes: scopes, path: path) ?? .string(text)
        }
        if let name = ReferencePattern.secret(text) { return .string(secret(name, path: path) ?? text) }
        return .string(inline(text, scopes: scopes, path: path))
    }

    // MARK: Variables

    private mutating func variable(
        _ name: String,
        _ rest: [String],
        scopes: [JSONObject],
        path: [String]
    ) -> JSONValue? {
        guard let scope = scopes.first(where: { $0.contains(name) }) else {
            problems.add(path, "Variable \"\(name)\" not found")
            return nil
        }
        guard !variableTrail.contains(name) else {
            let start = variableTrail.firstIndex(of: name) ?? 0
            let cycle = (variableTrail[start...] + [name]).joined(separator: " -> ")
            problems.add(path, "Cyclic $var reference: \(cycle)")
            return nil
        }
        variableTrail.append(name)
        let count = problems.list.count
        let value = resolve(scope[name], scopes: scopes, path: path)
        variableTrail.removeLast()
        if problems.list.count > count { return nil }
        return part(of: value, rest, named: "$var.\(name)", path: path)
    }

    private mutating func part(of value: JSONValue, _ rest: [String], named name: String, path: [String]) -> JSONValue?
    {
        var value = value
        for (position, step) in rest.enumerated() {
            let next = value.array != nil ? Int(step).map { value[$0] } ?? .missing : value[step]
            if next.isMissing {
                let before = position == 0 ? name : rest[position - 1]
                let whole = rest.joined(separator: ".")
                problems.add(
                    path,
                    "Path \"\(whole)\" not found in \"\(name)\": \"\(step)\" does not exist in \"\(before)\""
                )
                return nil
            }
            value = next
        }
        return value
    }

    // MARK: Contracts, flows, secrets

    private mutating func contract(_ name: String, _ rest: [String], path: [String]) -> JSONValue? {
        guard let contracts else { return nil }
        guard contracts.contains(name) else {
            problems.add(path, "Contract \"\(name)\" not found")
            return nil
        }
        return part(of: contracts[name], rest, named: "$contract.\(name)", path: path)
    }

    private mutating func flow(
        _ name: String,
        _ rest: [String],
        scopes: [JSONObject],
        path: [String]
    ) -> JSONValue? {
        guard let flow = file["flows"][name].object else {
            problems.add(path, "Flow \"\(name)\" not found. Available: \(flowNames)")
            return nil
        }
        guard !flowTrail.contains(name) else {
            let start = flowTrail.firstIndex(of: name) ?? 0
            let cycle = (flowTrail[start...] + [name]).joined(separator: " -> ")
            problems.add(path, "Cyclic $flow reference: \(cycle)")
            return nil
        }
        flowTrail.append(name)
        let count = problems.list.count
        let own = [flow["variables"].object, file["variables"].object].compactMap { $0 }
        let config = resolve(flow["config"], scopes: own, path: path)
        flowTrail.removeLast()
        if problems.list.count > count { return nil }
        return part(of: config, rest, named: "$flow.\(name)", path: path)
    }

    private var flowNames: String {
        (file["flows"].object ?? [:]).map(\.name).joined(separator: ", ")
    }

    /// The flow whose `config` is being resolved, so that a cycle back to it is seen.
    mutating func enter(flow name: String) {
        flowTrail = [name]
    }

    /// Ends what `enter` began.
    mutating func leaveFlow() {
        flowTrail = []
    }

    private mutating func secret(_ name: String, path: [String]) -> String? {
        if let value = environment.variable(name) {
            secrets.insert(value)
            return value
        }
        if let file = environment.variable("\(name)_FILE") {
            guard let content = environment.file(file) else {
                problems.add(path, "the file that \(name)_FILE names cannot be read")
                return nil
            }
            let value = String(content.trimmingTrailingLineEnd())
            secrets.insert(value)
            return value
        }
        problems.add(
            path,
            "Secret \"\(name)\" not found: set \(name), or \(name)_FILE to the path of a file that holds it"
        )
        return nil
    }

    // MARK: References inside text

    private mutating func inline(_ text: String, scopes: [JSONObject], path: [String]) -> String {
        var result = ""
        var rest = text[...]
        while let mark = rest.firstIndex(of: "$") {
            result += rest[..<mark]
            rest = rest[mark...]
            if let reference = InlineReference(rest) {
                result += replacement(of: reference, scopes: scopes, path: path) ?? String(rest[..<reference.end])
                rest = rest[reference.end...]
            } else {
                result.append("$")
                rest = rest.dropFirst()
            }
        }
        return result + rest
    }

    private mutating func replacement(
        of reference: InlineReference,
        scopes: [JSONObject],
        path: [String]
    ) -> String? {
        switch reference.kind {
        case .variable(let name, let rest):
            guard let value = variable(name, rest, scopes: scopes, path: path) else { return nil }
            switch value {
            case .string, .number, .bool: return value.javaScriptString
            default:
                problems.add(
                    path,
                    "Variable \"\(name)\" resolves to non-scalar (\(value.kindName)) and cannot be inlined into a string. Use it as a whole-string reference: \"$var.\(([name] + rest).joined(separator: "."))\""
                )
                return nil
            }
        case .secret(let name): return secret(name, path: path)
        case .environment(let name, let fallback):
            if let value = environment.variable(name) { return value }
            guard let fallback else {
                problems.add(path, "Environment variable \"\(name)\" not found and no default provided")
                return nil
            }
            return inline(fallback, scopes: scopes, path: path)
        }
    }
}

extension String {
    fileprivate func trimmingTrailingLineEnd() -> Substring {
        var text = self[...]
        while let last = text.last, last.isNewline { text.removeLast() }
        return text
    }
}
