/// Finds parts of validated canonical text without building a tree; names are compared byte by byte.
public struct JSONLookup {
    private let bytes: UnsafeBufferPointer<UInt8>

    /// A lookup in these bytes, which must stay valid while it is used.
    public init(_ bytes: UnsafeBufferPointer<UInt8>) {
        self.bytes = bytes
    }

    /// The value of the member with that name, given as canonical JSON text with quotes.
    public func member(_ quotedName: [UInt8], of object: JSONSlice) -> JSONSlice? {
        var members = JSONMemberCursor(object, in: bytes)
        while let (name, value) = members.next() {
            if equals(quotedName, name) { return value }
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
        var position = Int(slice.start)
        let last = Int(slice.end) - 4
        while position <= last {
            if bytes[position] == UInt8(ascii: "n"), bytes[position + 1] == UInt8(ascii: "u"),
                bytes[position + 2] == UInt8(ascii: "l"), bytes[position + 3] == UInt8(ascii: "l")
            {
                return true
            }
            position += 1
        }
        return false
    }

    private func equals(_ text: [UInt8], _ slice: JSONSlice) -> Bool {
        guard text.count == slice.count else { return false }
        return text.withUnsafeBufferPointer {
            ByteText.areEqual($0, UnsafeBufferPointer(rebasing: bytes[slice.range]))
        }
    }
}
