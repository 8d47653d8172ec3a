public import EventJSON
import LinearExpressions

/// A condition in JSON: walkerOS's matcher expressions.
///
/// ```json
/// {"and": [
///   {"key": "data.price", "operator": "gt", "value": "100"},
///   {"key": "data.currency", "operator": "eq", "value": "EUR"}
/// ]}
/// ```
///
/// Operators: `eq`, `contains`, `prefix`, `suffix`, `regex` compare text, `gt` and `lt` numbers, `exists` asks for a
/// value that is neither missing nor null. `"not": true` turns a comparison round. `"*"` always holds. Text and
/// numbers are JavaScript's `String(x)` and `Number(x)`.
public indirect enum Matcher: Sendable {
    /// Always true.
    case always
    /// All hold; true when there are none.
    case all([Matcher])
    /// At least one holds; false when there are none.
    case any([Matcher])
    /// One comparison.
    case comparison(MatcherComparison)
    /// A condition written in Swift and registered by name.
    case closure(MappingCondition)

    /// Whether the condition holds for a subject.
    public func matches(_ subject: borrowing MatcherSubject) -> Bool {
        switch self {
        case .always: return true
        case .all(let matchers):
            for matcher in matchers where !matcher.matches(subject) { return false }
            return true
        case .any(let matchers):
            for matcher in matchers where matcher.matches(subject) { return true }
            return false
        case .comparison(let comparison): return comparison.matches(subject.value(at: comparison.path))
        case .closure(let condition): return condition(subject.value, subject.event)
        }
    }
}

/// A condition written in Swift: the value at hand and, where there is one, the event.
public typealias MappingCondition = @Sendable (JSONValue, Event?) -> Bool

/// What a condition looks at.
public struct MatcherSubject {
    /// The event, where there is one.
    public let event: Event?
    /// The value at hand: under the path `value`, and the root of all paths where there is no event.
    public let value: JSONValue
    /// Whether the value at hand is what a source noted of the request, under the path `ingest`.
    private let isOnTheWay: Bool

    /// A plain value: paths start at its members.
    public init(_ value: JSONValue) {
        self.event = nil
        self.value = value
        isOnTheWay = false
    }

    /// An event on its way from step to step: paths start with `event` or `ingest`.
    public init(event: Event, ingest: JSONValue) {
        self.event = event
        self.value = ingest
        isOnTheWay = true
    }

    /// An event and the value at hand: paths start at the event's members, `value…` at the value.
    public init(event: Event, value: JSONValue) {
        self.event = event
        self.value = value
        isOnTheWay = false
    }

    func value(at path: MemberPath) -> JSONValue {
        guard let event else { return path.value(in: value) }
        if isOnTheWay {
            switch path.steps.first?.name {
            case "ingest": return path.droppingFirstStep?.value(in: value) ?? value
            case "event": return path.droppingFirstStep?.value(in: event) ?? .object(event.object)
            default: return .missing
            }
        }
        switch path.steps.first?.name {
        case "value": return path.droppingFirstStep?.value(in: value) ?? value
        case "event": return path.droppingFirstStep?.value(in: event) ?? .object(event.object)
        default: return path.value(in: event)
        }
    }
}

/// One comparison of a matcher.
public struct MatcherComparison: Sendable {
    enum Operator: Sendable {
        case equals(String?)
        case contains(String)
        case prefix(String)
        case suffix(String)
        case pattern(LinearExpression)
        case greater(Double)
        case less(Double)
        case exists
    }

    let path: MemberPath
    let comparison: Operator
    let isNegated: Bool

    static let operatorNames = ["eq", "contains", "prefix", "suffix", "regex", "gt", "lt", "exists"]

    func matches(_ value: JSONValue) -> Bool {
        compare(value) != isNegated
    }

    private func compare(_ value: JSONValue) -> Bool {
        switch comparison {
        case .exists: return !(value.isMissing || value.isNull)
        case .greater(let threshold): return value.javaScriptNumber > threshold
        case .less(let threshold): return value.javaScriptNumber < threshold
        default: break
        }
        let text = value.isMissing || value.isNull ? "" : value.javaScriptString
        switch comparison {
        case .equals(let other): return other.map { ExactString($0) == ExactString(text) } ?? false
        case .contains(let other): return text.utf8.containsSubsequence(other.utf8)
        case .prefix(let other): return text.utf8.starts(with: other.utf8)
        case .suffix(let other): return text.utf8.reversed().starts(with: other.utf8.reversed())
        case .pattern(let expression): return expression.matches(text)
        case .exists, .greater, .less: return false
        }
    }
}

extension String.UTF8View {
    /// Whether the bytes occur anywhere in this view.
    func containsSubsequence(_ other: String.UTF8View) -> Bool {
        if other.isEmpty { return true }
        let text = Array(self)
        let part = Array(other)
        guard part.count <= text.count else { return false }
        for start in 0...(text.count - part.count) where text[start] == part[0] {
            if text[start..<start + part.count].elementsEqual(part) { return true }
        }
        return false
    }
}
