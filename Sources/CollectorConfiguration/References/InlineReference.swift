/// A reference that stands somewhere in a text.
struct InlineReference {
    enum Kind: Equatable {
        case variable(String, path: [String])
        /// The default runs to the next white space, quote, brace, or `$`-reference.
        case environment(String, fallback: String?)
        case secret(String)
    }

    let kind: Kind
    /// Where the text goes on after the reference.
    let end: String.Index

    /// Reads a reference at the start of a text; nil if there is none.
    init?(_ text: Substring) {
        if let rest = text.dropping(prefix: "$var.") {
            var end = rest.endOfWord()
            guard end > rest.startIndex else { return nil }
            let name = String(rest[..<end])
            var path: [String] = []
            while end < rest.endIndex, rest[end] == "." {
                let step = rest[rest.index(after: end)...]
                let stepEnd = step.endOfWord()
                guard stepEnd > step.startIndex else { break }
                path.append(String(step[..<stepEnd]))
                end = stepEnd
            }
            kind = .variable(name, path: path)
            self.end = end
        } else if let rest = text.dropping(prefix: "$secret.") {
            let end = rest.endOfWord()
            guard end > rest.startIndex else { return nil }
            kind = .secret(String(rest[..<end]))
            self.end = end
        } else if let rest = text.dropping(prefix: "$env.") {
            let nameEnd = rest.endOfWord()
            guard nameEnd > rest.startIndex else { return nil }
            let name = String(rest[..<nameEnd])
            if nameEnd < rest.endIndex, rest[nameEnd] == ":" {
                let fallback = rest[rest.index(after: nameEnd)...]
                let fallbackEnd = fallback.endOfDefault()
                kind = .environment(name, fallback: String(fallback[..<fallbackEnd]))
                end = fallbackEnd
            } else {
                kind = .environment(name, fallback: nil)
                end = nameEnd
            }
        } else {
            return nil
        }
    }
}

extension Substring {
    fileprivate func dropping(prefix: String) -> Substring? {
        hasPrefix(prefix) ? dropFirst(prefix.count) : nil
    }

    fileprivate func endOfWord() -> Index {
        var end = startIndex
        if let first = utf8.first, !ReferencePattern.isLetter(first) { return end }
        while end < endIndex, let byte = self[end].asciiValue, ReferencePattern.isWord(byte) { end = index(after: end) }
        return end
    }

    /// Where a default ends: at white space, a quote, a brace, or before another environment variable or secret that
    /// stands behind a separator. A default that is itself a reference is taken whole.
    fileprivate func endOfDefault() -> Index {
        var end = startIndex
        while end < endIndex {
            let character = self[end]
            if character.isWhitespace || character == "\"" || character == "}" { return end }
            if end > startIndex, self[end...].hasPrefix("$env.") || self[end...].hasPrefix("$secret.") {
                let before = self[index(before: end)]
                // In `user@$env.HOST` the separator belongs to the text around, not to the default.
                return before.isLetter || before.isNumber ? end : index(before: end)
            }
            end = index(after: end)
        }
        return end
    }
}
