/// Finds parts of validated JSON text without building a tree.
///
/// Invariant: the bytes between `start` and `end` of every slice given here were validated by a scanner and, for
/// member lookups, are canonical, so that a name's text is compared byte by byte.
public struct JSONLookup {
    private let bytes: UnsafeBufferPointer<UInt8>

    /// A lookup in these bytes, which must stay valid while it is used.
    public init(_ bytes: UnsafeBufferPointer<UInt8>) {
        self.bytes = bytes
    }

    /// The value of the member with that name, given as canonical JSON text with quotes.
    public func member(_ quotedName: [UInt8], of object: JSONSlice) -> JSONSlice? {
        guard object.kind == .object else { return nil }
        var position = Int(object.start) + 1
        let end = Int(object.end) - 1
        while position < end {
            let nameEnd = endOfString(at: position)
            let matches = nameEnd - position == quotedName.count && equals(quotedName, at: position)
            let valueStart = nameEnd + 1
            let valueEnd = endOfValue(at: valueStart)
            if matches { return slice(valueStart, valueEnd) }
            position = valueEnd + 1
        }
        return nil
    }

    /// The element at that index.
    public func element(_ index: Int, of array: JSONSlice) -> JSONSlice? {
        guard array.kind == .array, index >= 0 else { return nil }
        var position = Int(array.start) + 1
        let end = Int(array.end) - 1
        var remaining = index
        while position < end {
            let valueEnd = endOfValue(at: position)
            if remaining == 0 { return slice(position, valueEnd) }
            remaining -= 1
            position = valueEnd + 1
        }
        return nil
    }

    private func slice(_ start: Int, _ end: Int) -> JSONSlice {
        let kind: JSONSlice.Kind =
            switch bytes[start] {
            case UInt8(ascii: "\""): .string
            case UInt8(ascii: "{"): .object
            case UInt8(ascii: "["): .array
            case UInt8(ascii: "t"), UInt8(ascii: "f"): .bool
            case UInt8(ascii: "n"): .null
            default: .number
            }
        return JSONSlice(start: start, end: end, kind: kind, form: .canonical)
    }

    private func equals(_ text: [UInt8], at position: Int) -> Bool {
        for offset in text.indices where bytes[position + offset] != text[offset] { return false }
        return true
    }

    /// The offset after the string that starts at `start`.
    private func endOfString(at start: Int) -> Int {
        var position = start + 1
        while bytes[position] != UInt8(ascii: "\"") {
            position += bytes[position] == UInt8(ascii: "\\") ? 2 : 1
        }
        return position + 1
    }

    /// The offset after the value that starts at `start`.
    private func endOfValue(at start: Int) -> Int {
        switch bytes[start] {
        case UInt8(ascii: "\""): return endOfString(at: start)
        case UInt8(ascii: "{"), UInt8(ascii: "["): return endOfContainer(at: start)
        default:
            var position = start + 1
            while position < bytes.count {
                switch bytes[position] {
                case UInt8(ascii: ","), UInt8(ascii: "}"), UInt8(ascii: "]"): return position
                default: position += 1
                }
            }
            return position
        }
    }

    private func endOfContainer(at start: Int) -> Int {
        var position = start
        var depth = 0
        repeat {
            switch bytes[position] {
            case UInt8(ascii: "\""):
                position = endOfString(at: position)
                continue
            case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
            case UInt8(ascii: "}"), UInt8(ascii: "]"): depth -= 1
            default: break
            }
            position += 1
        } while depth > 0
        return position
    }
}
