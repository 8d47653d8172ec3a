/// A validated value inside a JSON text: where it lies, what it is, and how it is written.
public struct JSONSlice: Sendable, Equatable {
    /// What a value is, known from its first byte.
    public enum Kind: UInt8, Sendable {
        /// `null`.
        case null
        /// `true` or `false`.
        case bool
        /// A number.
        case number
        /// A string; the slice includes its quotes.
        case string
        /// An array.
        case array
        /// An object.
        case object

        /// The kind of the valid value that begins with that byte.
        @inlinable
        public init(firstByte: UInt8) {
            switch firstByte {
            case UInt8(ascii: "\""): self = .string
            case UInt8(ascii: "{"): self = .object
            case UInt8(ascii: "["): self = .array
            case UInt8(ascii: "t"), UInt8(ascii: "f"): self = .bool
            case UInt8(ascii: "n"): self = .null
            default: self = .number
            }
        }
    }

    /// How close the bytes are to what `JSON.stringify` would write.
    public enum Form: UInt8, Sendable, Comparable {
        /// Exactly so: the bytes may be spliced into other text unchanged.
        case canonical
        /// White space or needless escapes; the order of members is right.
        case loose
        /// A name is repeated, or an index-like name (`"7"`) stands after another one that it should precede.
        case disordered

        /// From canonical to disordered.
        @inlinable
        public static func < (left: Form, right: Form) -> Bool { left.rawValue < right.rawValue }
    }

    /// The offset of the first byte.
    public let start: UInt32
    /// The offset after the last byte.
    public let end: UInt32
    /// What the value is.
    public let kind: Kind
    /// Whether the bytes can be copied as they are.
    public let form: Form

    /// A value of that kind and form between two offsets. The caller vouches that the bytes are valid JSON.
    @inlinable
    public init(start: Int, end: Int, kind: Kind, form: Form) {
        self.start = UInt32(truncatingIfNeeded: start)
        self.end = UInt32(truncatingIfNeeded: end)
        self.kind = kind
        self.form = form
    }

    /// The canonical text of one value, which fills the buffer.
    @inlinable
    public init(whole bytes: UnsafeBufferPointer<UInt8>) {
        self.init(start: 0, end: bytes.count, kind: Kind(firstByte: bytes.first ?? 0), form: .canonical)
    }

    /// The offsets of the bytes.
    @inlinable
    public var range: Range<Int> { Int(start)..<Int(end) }

    /// The number of bytes.
    @inlinable
    public var count: Int { Int(end &- start) }
}
