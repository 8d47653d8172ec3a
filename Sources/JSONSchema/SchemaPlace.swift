import EventJSON

/// A place in a schema: the member names and indices that lead to it.
struct SchemaPlace: Hashable, Sendable {
    private let steps: [ExactString]

    var path: [String] { steps.map(\.string) }

    init(_ path: [String]) {
        steps = path.map(ExactString.init)
    }

    /// The place of a JSON pointer (RFC 6901): empty, or `/a/b~1c`.
    init(pointer: String) {
        self.init(
            pointer.split(separator: "/", omittingEmptySubsequences: false).dropFirst().map { step in
                JSONPointer.decode(String(step))
            }
        )
    }

    func appending(_ steps: String...) -> SchemaPlace {
        SchemaPlace(path + steps)
    }

    /// What stands there.
    func value(in document: JSONValue) -> JSONValue? {
        var value = document
        for step in path {
            switch value {
            case .array(let elements):
                guard let index = Int(step), String(index) == step, elements.indices.contains(index) else { return nil }
                value = elements[index]
            default: value = value[step]
            }
            if value.isMissing { return nil }
        }
        return value
    }
}

/// The escapes of JSON pointers.
enum JSONPointer {
    static func encode(_ step: String) -> String {
        guard step.utf8.contains(where: { $0 == UInt8(ascii: "~") || $0 == UInt8(ascii: "/") }) else { return step }
        return step.map { $0 == "~" ? "~0" : $0 == "/" ? "~1" : String($0) }.joined()
    }

    static func decode(_ step: String) -> String {
        guard step.utf8.contains(UInt8(ascii: "~")) else { return step }
        var result = ""
        var rest = step[...]
        while let character = rest.popFirst() {
            guard character == "~" else {
                result.append(character)
                continue
            }
            switch rest.popFirst() {
            case "0": result.append("~")
            case "1": result.append("/")
            case let other: result += "~" + (other.map { String($0) } ?? "")
            }
        }
        return result
    }
}

/// `%41` for a byte, as in the fragment of a URI.
enum PercentEncoding {
    /// The text; nil if an escape is malformed or the bytes are no UTF-8.
    static func decode(_ text: Substring) -> String? {
        guard text.utf8.contains(UInt8(ascii: "%")) else { return String(text) }
        var bytes: [UInt8] = []
        var rest = text.utf8
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            guard rest.count >= 2, let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16) else {
                return nil
            }
            bytes.append(value)
            rest = rest.dropFirst(2)
        }
        return String(validating: bytes, as: UTF8.self)
    }
}

/// Finds the anchors of a document: `$anchor` and `$dynamicAnchor` wherever a schema stands.
enum SchemaAnchors {
    private static let single: Set<SchemaKeyword> = [
        .not, .if, .then, .else, .additionalProperties, .propertyNames, .unevaluatedProperties, .items, .contains,
        .unevaluatedItems, .contentSchema,
    ]
    private static let lists: Set<SchemaKeyword> = [.allOf, .anyOf, .oneOf, .prefixItems]
    private static let maps: Set<SchemaKeyword> = [
        .definitions, .olderDefinitions, .dependentSchemas, .properties, .patternProperties,
    ]

    static func find(in document: JSONValue) -> [ExactString: SchemaPlace] {
        var anchors: [ExactString: SchemaPlace] = [:]
        find(in: document, at: [], &anchors)
        return anchors
    }

    private static func find(in schema: JSONValue, at path: [String], _ anchors: inout [ExactString: SchemaPlace]) {
        for member in schema.object ?? [:] {
            guard let keyword = SchemaKeyword(rawValue: member.name) else { continue }
            let path = path + [member.name]
            if keyword == .anchor || keyword == .dynamicAnchor, let name = member.value.string {
                anchors[ExactString(name)] = SchemaPlace(path.dropLast())
            } else if single.contains(keyword) {
                find(in: member.value, at: path, &anchors)
            } else if lists.contains(keyword) {
                for (index, element) in (member.value.array ?? []).enumerated() {
                    find(in: element, at: path + [String(index)], &anchors)
                }
            } else if maps.contains(keyword) {
                for entry in member.value.object ?? [:] { find(in: entry.value, at: path + [entry.name], &anchors) }
            }
        }
    }
}

/// Finds schemas that lead back to themselves for the same value, which would never come to an end.
enum SchemaCycles {
    private enum Mark { case open, closed }

    static func find(in nodes: [SchemaNode]) -> Int? {
        var marks: [Int: Mark] = [:]
        for start in nodes.indices where marks[start] == nil {
            // A stack of its own, since chains of references may be long.
            var pending = [(node: start, next: nodes[start].applicators.flatMap(\.nodes)[...])]
            marks[start] = .open
            while var top = pending.popLast() {
                guard let next = top.next.popFirst() else {
                    marks[top.node] = .closed
                    continue
                }
                pending.append(top)
                switch marks[next] {
                case .open: return next
                case .closed: continue
                case nil:
                    marks[next] = .open
                    pending.append((next, nodes[next].applicators.flatMap(\.nodes)[...]))
                }
            }
        }
        return nil
    }
}
