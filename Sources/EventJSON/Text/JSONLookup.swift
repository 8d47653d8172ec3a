/// Finds parts of validated canonical text without building a tree; names are compared byte by byte.
public struct JSONLookup {
    private let bytes: UnsafeBufferPointer<UInt8>

    /// A lookup in these bytes, which must stay valid while it is used.
    public init(_ bytes: UnsafeBufferPointer<UInt8>) {
        self.bytes = bytes
    }

    /// The value of the member with that name, given as canonical JSON text with quotes.
    public func member(_ quotedName: [UInt8], of object: JSONSlice) -> JSONSlice? {
        quotedName.withUnsafeBufferPointer { member($0, of: object) }
    }

    /// The value of the member with that name, given as canonical JSON text with quotes.
    public func member(_ quotedName: UnsafeBufferPointer<UInt8>, of object: JSONSlice) -> JSONSlice? {
        guard object.kind == .object else { return nil }
        let walker = JSONWalker(bytes: bytes)
        let count = quotedName.count
        let end = Int(object.end) - 1
        var position = Int(object.start) + 1
        while position < end {
            // Text that begins with the name and its quotes is that name: a quote inside would be escaped.
            if position + count < end, bytes[position + count] == UInt8(ascii: ":"),
                ByteText.areEqual(quotedName, UnsafeBufferPointer(rebasing: bytes[position..<position + count]))
            {
                let start = position + count + 1
                return walker.slice(start, walker.endOfValue(at: start))
            }
            position = walker.endOfValue(at: walker.endOfString(at: position) + 1) + 1
        }
        return nil
    }

    /// The element at that index.
    public func element(_ index: Int, of array: JSONSlice) -> JSONSlice? {
        guard index >= 0 else { return nil }
        var elements = JSONElementCursor(array, in: bytes)
        var remaining = index
        while let element = elements.next() {
            if remaining == 0 { return element }
            remaining -= 1
        }
        return nil
    }

    /// Whether a `null` may stand inside a value; false means that there is none. Text that says null counts as well.
    public func mayContainNull(_ slice: JSONSlice) -> Bool {
        guard let base = bytes.baseAddress else { return false }
        return ByteText.containsNull(base + Int(slice.start), count: slice.count)
    }
}
