import Collector
import EventJSON

/// A text with places that an event fills: `/users/{{user.id}}?page={{data.page|1}}`.
///
/// A placeholder is a `MemberPath` into the event and, behind `|`, what stands for a value that is missing. How a value
/// is written follows from where it stands, so that no value can end the place it was meant for.
struct APITemplate: Sendable {
    /// What the text is.
    enum Use {
        /// The part of a URL behind the host.
        case target
        /// The value of a header field.
        case header
        /// JSON text.
        case json
    }

    /// How a value is written.
    enum Writing: Sendable {
        /// Percent-encoded into a path or a query.
        case path, query
        /// As it is, without control characters.
        case header
        /// As JSON text, or as the inside of a JSON string.
        case json, jsonString
    }

    /// Why a text is no template, or cannot be filled.
    struct Problem: Error, Equatable, CustomStringConvertible {
        /// What is wrong and the remedy; never a value.
        let description: String

        init(_ description: String) {
            self.description = description
        }
    }

    private struct Placeholder: Sendable {
        let path: MemberPath
        let fallback: [UInt8]?
        let writing: Writing
    }

    private enum Part: Sendable {
        case text([UInt8])
        case value(Placeholder)
    }

    private let parts: [Part]

    /// Whether every event gives the same text.
    let isLiteral: Bool

    /// Compiles a text.
    ///
    /// - Throws: what is wrong with it.
    init(_ text: String, _ use: Use) throws(Problem) {
        var parts: [Part] = []
        var place = TemplatePlace(use)
        var rest = text[...]
        while let opening = Self.range(of: "{{", in: rest) {
            let literal = Array(rest[..<opening.lowerBound].utf8)
            parts.append(.text(place.pass(literal)))
            guard let closing = Self.range(of: "}}", in: rest[opening.upperBound...]) else {
                throw Problem("a \"{{\" is not closed by \"}}\"")
            }
            let inside = rest[opening.upperBound..<closing.lowerBound]
            parts.append(.value(try Self.placeholder(inside, place.writing)))
            rest = rest[closing.upperBound...]
        }
        let literal = Array(rest.utf8)
        parts.append(.text(place.pass(literal)))
        self.parts = parts
        isLiteral = parts.count == 1
        if use == .json { try checkJSON() }
    }

    private static func placeholder(_ inside: Substring, _ writing: Writing) throws(Problem) -> Placeholder {
        let sides = inside.split(separator: "|", maxSplits: 1, omittingEmptySubsequences: false)
        let path = trimmed(sides[0])
        if path.isEmpty || path.utf8.contains(where: { $0 == UInt8(ascii: "{") || $0 <= 0x20 }) {
            throw Problem("a placeholder names no path: write {{data.id}}, or {{data.id|default}}")
        }
        let root = String(path.prefix { $0 != "." })
        let members = EventMember.allCases.map(\.key)
        guard members.contains(root) else {
            let hint = NearestName.find(root, in: members).map { "did you mean \"\($0)\"?" }
            throw Problem("an event has no member \"\(root)\"; " + (hint ?? "write {{data.id}}"))
        }
        var fallback: [UInt8]?
        if sides.count == 2 {
            let text = trimmed(sides[1])
            var value = JSONValue.string(text)
            // Where JSON stands, a default that is JSON is taken as it is: {{data.count|0}}.
            if writing == .json, let json = try? JSONValue(jsonText: text) { value = json }
            var bytes: [UInt8] = []
            do throws(TemplateValue.Refusal) {
                try TemplateValue.write(value, writing, to: &bytes)
            } catch {
                throw Problem("the default of {{\(path)}} \(error.reason)")
            }
            fallback = bytes
        }
        return Placeholder(path: MemberPath(path), fallback: fallback, writing: writing)
    }

    /// The text for an event.
    ///
    /// - Throws: which value is missing or cannot stand where the template wants it.
    func fill(_ event: Event) throws(Problem) -> [UInt8] {
        var text: [UInt8] = []
        for part in parts {
            switch part {
            case .text(let bytes): text += bytes
            case .value(let placeholder):
                let value = placeholder.path.value(in: event)
                let path = placeholder.path.text
                if TemplateValue.isMissing(value, placeholder.writing) {
                    guard let fallback = placeholder.fallback else {
                        throw Problem("\(path) is missing in the event; {{\(path)|text}} gives a default")
                    }
                    text += fallback
                } else {
                    do throws(TemplateValue.Refusal) {
                        try TemplateValue.write(value, placeholder.writing, to: &text)
                    } catch {
                        throw Problem("\(path) \(error.reason)")
                    }
                }
            }
        }
        return text
    }

    /// The literal parts, for checks of their own.
    var literals: [[UInt8]] {
        parts.compactMap { if case .text(let bytes) = $0 { bytes } else { nil } }
    }

    private func checkJSON() throws(Problem) {
        var text: [UInt8] = []
        for part in parts {
            switch part {
            case .text(let bytes): text += bytes
            case .value(let placeholder): if placeholder.writing == .json { text += Array("null".utf8) }
            }
        }
        do throws(JSONError) {
            _ = try JSONValue(jsonText: text)
        } catch {
            throw Problem("is not JSON when its placeholders are filled: \(error)")
        }
    }

    private static func range(of pair: String, in text: Substring) -> Range<Substring.Index>? {
        var index = text.startIndex
        while index < text.endIndex {
            if text[index...].hasPrefix(pair) { return index..<text.index(index, offsetBy: pair.count) }
            index = text.index(after: index)
        }
        return nil
    }

    private static func trimmed(_ text: Substring) -> String {
        var text = text
        while text.first == " " { text.removeFirst() }
        while text.last == " " { text.removeLast() }
        return String(text)
    }
}

/// Follows a template's literal text, to know how a value at its end has to be written.
private struct TemplatePlace {
    private(set) var writing: APITemplate.Writing
    private let use: APITemplate.Use
    private var isEscaped = false

    init(_ use: APITemplate.Use) {
        self.use = use
        writing =
            switch use {
            case .target: .path
            case .header: .header
            case .json: .json
            }
    }

    /// Passes over literal text, and returns it as it is to be sent.
    mutating func pass(_ bytes: [UInt8]) -> [UInt8] {
        switch use {
        case .target:
            if bytes.contains(UInt8(ascii: "?")) { writing = .query }
            return bytes
        case .header: return bytes
        case .json:
            for byte in bytes {
                if isEscaped {
                    isEscaped = false
                } else if byte == UInt8(ascii: "\\"), writing == .jsonString {
                    isEscaped = true
                } else if byte == UInt8(ascii: "\"") {
                    writing = writing == .json ? .jsonString : .json
                }
            }
            // Line ends stand between values only; as spaces they do not end a line of ndjson.
            return bytes.map { $0 == 0x0A || $0 == 0x0D ? UInt8(ascii: " ") : $0 }
        }
    }
}
