public import EventJSON

/// A dotted path into a value: `data.items.0.id`, `nested.*.data.name`.
///
/// A number text indexes an array (`length` is its count), `*` stands for every element of an array and for the member
/// `*` of an object. There is no escape for a dot in a name. The rules are walkerOS's `getByPath` and `setByPath`.
public struct MemberPath: Sendable, Equatable {
    struct Step: Sendable, Equatable {
        let name: String
        /// The name as canonical JSON text, with quotes.
        let quotedName: [UInt8]
        /// The array index the name stands for.
        let index: Int?

        var isWildcard: Bool { name == "*" }
        /// The index, or -1. No text has as many elements as the largest.
        var textIndex: Int32 { index.map { Int32(clamping: $0) } ?? -1 }

        init(_ name: String) {
            self.name = name
            self.quotedName = JSONValue.string(name).jsonText
            self.index = JSONArrayIndex.parse(name)
        }
    }

    /// What a path was taken apart into; one reference, since paths are handed on with every value.
    private final class Parts: Sendable {
        let text: String
        let steps: [Step]
        /// The quoted names one behind the other.
        let names: [UInt8]
        let textSteps: [TextSteps.Step]
        /// The event's member that the first step names.
        let member: EventMember?
        /// The path behind a first step that names what conditions look at; nil for other paths.
        let rest: MemberPath?

        init(_ text: String) {
            self.text = text
            let dot = text.utf8.firstIndex(of: UInt8(ascii: "."))
            rest = dot.flatMap { dot in
                ["event", "ingest", "value"].contains(text[..<dot]) ? MemberPath(String(text[dot...].dropFirst())) : nil
            }
            steps = text.split(separator: ".", omittingEmptySubsequences: false).map { Step(String($0)) }
            var names: [UInt8] = []
            var textSteps: [TextSteps.Step] = []
            for step in steps {
                textSteps.append(
                    TextSteps.Step(
                        name: TextSpan(first: names.count, count: step.quotedName.count),
                        index: step.textIndex
                    )
                )
                names += step.quotedName
            }
            self.names = names
            self.textSteps = textSteps
            member = steps.first.flatMap { EventMember(key: $0.name) }
        }
    }

    private let parts: Parts

    /// The path as written.
    public var text: String { parts.text }
    var steps: [Step] { parts.steps }
    /// The event's member that the first step names.
    var member: EventMember? { parts.member }

    /// The path with that text. The empty text is the member with the empty name.
    public init(_ text: String) {
        parts = Parts(text)
    }

    /// Paths are equal when their texts are.
    public static func == (left: MemberPath, right: MemberPath) -> Bool {
        ExactString(left.text) == ExactString(right.text)
    }

    /// The path without its first step; nil if that was the only one.
    var droppingFirstStep: MemberPath? {
        if let rest = parts.rest { return rest }
        guard let dot = text.utf8.firstIndex(of: UInt8(ascii: ".")) else { return nil }
        return MemberPath(String(text[dot...].dropFirst()))
    }

    /// Lends the steps as text is walked over by them.
    @inline(__always)
    func withTextSteps<Result>(_ body: (TextSteps) -> Result) -> Result {
        parts.names.withUnsafeBufferPointer { names in
            parts.textSteps.withUnsafeBufferPointer { steps in
                // There is always a name, if only "".
                body(TextSteps(names: names.baseAddress.unsafelyUnwrapped, steps: steps))
            }
        }
    }

    /// The value at the path; where there is none, `fallback` (for each element under a `*`).
    public func value(in root: JSONValue, fallback: JSONValue = .missing) -> JSONValue {
        Self.value(of: steps[...], in: root, fallback: fallback)
    }

    /// The value at the path in an event; only the text under the path is parsed.
    public func value(in event: Event, fallback: JSONValue = .missing) -> JSONValue {
        let member = parts.member
        if let member,
            let found = event.withText(of: member, { value(in: $1, at: $0, from: 1, fallback: fallback) })
        {
            return found
        }
        guard let first = steps.first else { return fallback }
        let root = member.map { event[$0] } ?? event[key: first.name]
        if root.isMissing { return fallback }
        return Self.value(of: steps.dropFirst(), in: root, fallback: fallback)
    }

    /// The value at the path in an object or array that is still text.
    private func value(
        in bytes: UnsafeBufferPointer<UInt8>,
        at start: JSONSlice,
        from first: Int,
        fallback: JSONValue
    ) -> JSONValue {
        switch withTextSteps({ $0.find(in: bytes, at: start, from: first) }) {
        case .found(let slice): JSONValue(validated: slice, in: bytes)
        case .nothing: fallback
        case .array(let slice, let position):
            Self.value(of: steps[position...], in: JSONValue(validated: slice, in: bytes), fallback: fallback)
        }
    }

    private static func value(of steps: ArraySlice<Step>, in root: JSONValue, fallback: JSONValue) -> JSONValue {
        var value = root
        for position in steps.indices {
            let step = steps[position]
            switch value {
            case .array(let elements):
                if step.isWildcard {
                    let rest = steps[(position + 1)...]
                    // Nothing after the star means the member with the empty name.
                    let path = rest.isEmpty ? [Step("")][...] : rest
                    return .array(elements.map { Self.value(of: path, in: $0, fallback: fallback) })
                }
                if let index = step.index, elements.indices.contains(index) {
                    value = elements[index]
                } else if step.name == "length" {
                    value = .number(JSONNumber(elements.count))
                } else {
                    return fallback
                }
            case .object(let members): value = members[step.name]
            default: return fallback
            }
            if value.isMissing { return fallback }
        }
        return value
    }

    /// Sets the value at the path; missing, null and scalar steps become objects. A root that is neither object nor
    /// array stays as it is.
    public func set(_ value: JSONValue, in root: inout JSONValue) {
        switch root {
        case .object, .array: Self.set(value, at: steps[...], in: &root)
        default: return
        }
    }

    /// Sets the value at the path in an event.
    public func set(_ value: JSONValue, in event: inout Event) {
        guard let first = steps.first else { return }
        if steps.count == 1 {
            event[key: first.name] = value
        } else {
            var member = event[key: first.name]
            Self.set(value, at: steps.dropFirst(), in: &member)
            event[key: first.name] = member
        }
    }

    /// The largest array index that a path may create; beyond it, nothing is set. An array of that size is a mistake.
    private static let largestNewIndex = 10_000

    private static func set(_ value: JSONValue, at steps: ArraySlice<Step>, in container: inout JSONValue) {
        guard let step = steps.first else {
            container = value
            return
        }
        if case .array(var elements) = container, let index = step.index {
            guard index <= max(largestNewIndex, elements.count) else { return }
            container = .null
            while elements.count <= index { elements.append(.missing) }
            set(value, at: steps.dropFirst(), in: &elements[index])
            container = .array(elements)
            return
        }
        var members = JSONObject()
        if case .object(let existing) = container { members = existing }
        if case .array = container { return }
        container = .null
        var member = members[step.name]
        set(value, at: steps.dropFirst(), in: &member)
        members[step.name] = member
        container = .object(members)
    }

    /// Deletes what stands at the path: a member of an object, or an element of an array, whose later elements move up.
    public func delete(in root: inout JSONValue) {
        Self.delete(at: steps[...], in: &root)
    }

    private static func delete(at steps: ArraySlice<Step>, in container: inout JSONValue) {
        guard let step = steps.first else { return }
        switch container {
        case .object(var members):
            guard members.contains(step.name) else { return }
            if steps.count == 1 {
                members.remove(step.name)
            } else {
                var member = members[step.name]
                delete(at: steps.dropFirst(), in: &member)
                members[step.name] = member
            }
            container = .object(members)
        case .array(var elements):
            guard let index = step.index, elements.indices.contains(index) else { return }
            if steps.count == 1 {
                elements.remove(at: index)
            } else {
                delete(at: steps.dropFirst(), in: &elements[index])
            }
            container = .array(elements)
        default: return
        }
    }
}

/// Array indices as JavaScript reads them from text.
enum JSONArrayIndex {
    /// The index, if the text is one: digits without a leading zero.
    static func parse(_ text: String) -> Int? {
        guard let first = text.utf8.first, first >= 0x30, first <= 0x39, text.utf8.count <= 10 else { return nil }
        if first == 0x30, text.utf8.count > 1 { return nil }
        return Int(text)
    }
}
