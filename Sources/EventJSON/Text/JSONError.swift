/// Why a JSON text was refused and where. The text itself is never quoted, since it may be personal data.
public struct JSONError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The kind of fault.
    public enum Code: Sendable, Equatable {
        /// The text ends inside a value.
        case unexpectedEnd
        /// A byte stands where the grammar does not allow it.
        case unexpectedByte
        /// A number is not written as JSON asks: `01`, `1.`, `+1`, `.5`.
        case malformedNumber
        /// A string holds a control character that must be escaped.
        case controlCharacter
        /// A backslash is followed by something that is not an escape.
        case malformedEscape
        /// The bytes are not UTF-8.
        case malformedUTF8
        /// Text follows the value.
        case trailingText
        /// More nested arrays and objects than `JSONLimits.maximumDepth`.
        case tooDeep
        /// More bytes than `JSONLimits.maximumByteCount`.
        case tooLarge
        /// More members in an object than `JSONLimits.maximumMemberCount`.
        case tooManyMembers
    }

    /// The kind of fault.
    public let code: Code
    /// The offset of the first byte at fault, counted from zero.
    public let offset: Int

    /// An error of that kind at that byte.
    public init(_ code: Code, at offset: Int) {
        self.code = code
        self.offset = offset
    }

    /// One sentence: what is wrong and at which byte.
    public var description: String {
        let fault =
            switch code {
            case .unexpectedEnd: "JSON ends inside a value"
            case .unexpectedByte: "unexpected character in JSON"
            case .malformedNumber: "malformed number in JSON"
            case .controlCharacter: "unescaped control character in a JSON string"
            case .malformedEscape: "malformed escape in a JSON string"
            case .malformedUTF8: "JSON is not valid UTF-8"
            case .trailingText: "text after the JSON value"
            case .tooDeep: "JSON is nested too deeply"
            case .tooLarge: "JSON is too large"
            case .tooManyMembers: "too many members in a JSON object"
            }
        return "\(fault) at byte \(offset)"
    }
}
