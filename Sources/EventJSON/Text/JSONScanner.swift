/// One validating pass over JSON text: grammar, UTF-8, depth; every value is found once and never copied.
///
/// The caller steers: it enters an object or array where it wants the parts, and skips (but validates) the rest.
///
/// ```swift
/// var scanner = try JSONScanner(bytes)
/// try scanner.enterObject()
/// while let name = try scanner.nextName() {
///     let value = try scanner.scanValue()   // a JSONSlice into `bytes`
/// }
/// try scanner.expectEnd()
/// ```
///
/// The scanner borrows the bytes: it must not outlive the buffer.
/// Grammar: [RFC 8259](https://www.rfc-editor.org/rfc/rfc8259). A byte order mark is refused.
public struct JSONScanner: ~Copyable {
    // The invariant of every read below: `position` never exceeds `count`, and a byte is read only after
    // `position < count` was checked in the same function or its caller.
    let bytes: UnsafePointer<UInt8>
    let count: Int
    let maximumDepth: Int
    private let maximumMemberCount: Int

    /// The offset of the next byte.
    public internal(set) var position = 0

    /// How many arrays and objects are open.
    var depth = 0

    /// The loosest form met since the last reset.
    var form = JSONSlice.Form.canonical

    /// Name fingerprints of the open objects, innermost last; see `NameOrder`.
    var names = NameOrder()

    /// A scanner over bytes that stay valid and unchanged while it is used.
    ///
    /// - Throws: `JSONError.Code.tooLarge` when there are more bytes than the limit.
    public init(_ bytes: UnsafeBufferPointer<UInt8>, limits: JSONLimits = JSONLimits()) throws(JSONError) {
        try self.init(bytes, in: 0..<bytes.count, limits: limits)
    }

    /// A scanner over some of the bytes; offsets are counted from the first of all of them.
    ///
    /// - Throws: `JSONError.Code.tooLarge` when there are more bytes in the range than the limit.
    public init(
        _ bytes: UnsafeBufferPointer<UInt8>,
        in range: Range<Int>,
        limits: JSONLimits = JSONLimits()
    ) throws(JSONError) {
        precondition(range.lowerBound >= 0 && range.upperBound <= bytes.count, "the range is in the bytes")
        guard range.count <= limits.maximumByteCount, range.upperBound < UInt32.max else {
            throw JSONError(.tooLarge, at: range.lowerBound + min(limits.maximumByteCount, range.count))
        }
        // An empty buffer may have no base address; then `count` is zero and the pointer is never read.
        self.bytes = bytes.baseAddress ?? UnsafePointer(bitPattern: 1).unsafelyUnwrapped
        self.count = range.upperBound
        self.position = range.lowerBound
        self.maximumDepth = limits.maximumDepth
        self.maximumMemberCount = limits.maximumMemberCount
    }

    /// Skips white space and returns the next byte without consuming it.
    @inline(__always)
    public mutating func peek() throws(JSONError) -> UInt8 {
        skipWhiteSpace()
        guard position < count else { throw JSONError(.unexpectedEnd, at: position) }
        return bytes[position]
    }

    /// Validates the next value, whatever it is, and returns where it lies.
    public mutating func scanValue() throws(JSONError) -> JSONSlice {
        _ = try peek()
        let start = position
        let outer = form
        form = .canonical
        let kind = try skipValue()
        let slice = JSONSlice(start: start, end: position, kind: kind, form: form)
        form = max(form, outer)
        return slice
    }

    /// Consumes `{`. Then call `nextName` until it returns nil.
    public mutating func enterObject() throws(JSONError) {
        try enter(UInt8(ascii: "{"))
        names.open()
    }

    /// Consumes `[`. Then call `nextElement` until it returns false.
    public mutating func enterArray() throws(JSONError) {
        try enter(UInt8(ascii: "["))
    }

    /// The next member's name (quotes included) with its colon consumed, or nil when the object has ended.
    public mutating func nextName() throws(JSONError) -> JSONSlice? {
        guard try advance(closing: UInt8(ascii: "}"), isFirst: names.isFirst) else {
            guard names.nameCount <= maximumMemberCount else { throw JSONError(.tooManyMembers, at: position) }
            names.close()
            return nil
        }
        guard bytes[position] == UInt8(ascii: "\"") else { throw JSONError(.unexpectedByte, at: position) }
        let start = position
        let outer = form
        form = .canonical
        try skipString()
        let name = JSONSlice(start: start, end: position, kind: .string, form: form)
        // Two spellings of one name look different to `names`, so a loosely written name counts as disorder.
        let isInOrder =
            names.add(bytes + start + 1, count: position - start - 2, readableCount: count - start - 1)
            && form == .canonical
        form = isInOrder ? outer : .disordered
        skipWhiteSpace()
        guard position < count else { throw JSONError(.unexpectedEnd, at: position) }
        guard bytes[position] == UInt8(ascii: ":") else { throw JSONError(.unexpectedByte, at: position) }
        position += 1
        return name
    }

    /// Whether another element follows; consumes the comma before it or the closing bracket.
    public mutating func nextElement(isFirst: Bool) throws(JSONError) -> Bool {
        try advance(closing: UInt8(ascii: "]"), isFirst: isFirst)
    }

    /// Whether only white space follows; it is skipped.
    public var isAtEnd: Bool {
        mutating get {
            skipWhiteSpace()
            return position == count
        }
    }

    /// Checks that only white space follows.
    public mutating func expectEnd() throws(JSONError) {
        skipWhiteSpace()
        guard position == count else { throw JSONError(.trailingText, at: position) }
    }

    private mutating func enter(_ bracket: UInt8) throws(JSONError) {
        guard try peek() == bracket else { throw JSONError(.unexpectedByte, at: position) }
        guard depth < maximumDepth else { throw JSONError(.tooDeep, at: position) }
        position += 1
        depth += 1
    }

    @inline(__always)
    private mutating func advance(closing bracket: UInt8, isFirst: Bool) throws(JSONError) -> Bool {
        let next = try peek()
        if next == bracket {
            position += 1
            depth -= 1
            return false
        }
        guard !isFirst else { return true }
        guard next == UInt8(ascii: ",") else { throw JSONError(.unexpectedByte, at: position) }
        position += 1
        if try peek() == bracket { throw JSONError(.unexpectedByte, at: position) }
        return true
    }
}
