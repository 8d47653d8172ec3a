/// Walks over the members of an object in canonical text, in order, without building a tree.
///
/// Invariant: the slice is an object that a scanner validated, and its form is canonical.
public struct JSONMemberCursor {
    private let walker: JSONWalker
    private var position: Int
    private let end: Int

    /// A cursor before the first member.
    public init(_ object: JSONSlice, in bytes: UnsafeBufferPointer<UInt8>) {
        walker = JSONWalker(bytes: bytes)
        position = Int(object.start) + 1
        end = object.kind == .object ? Int(object.end) - 1 : position
    }

    /// The next member's name (with quotes) and value, or nil after the last.
    public mutating func next() -> (name: JSONSlice, value: JSONSlice)? {
        guard position < end else { return nil }
        let nameEnd = walker.endOfString(at: position)
        let valueEnd = walker.endOfValue(at: nameEnd + 1)
        let name = JSONSlice(start: position, end: nameEnd, kind: .string, form: .canonical)
        let value = walker.slice(nameEnd + 1, valueEnd)
        position = valueEnd + 1
        return (name, value)
    }
}

/// Walks over the elements of an array in canonical text.
///
/// Invariant: the slice is an array that a scanner validated, and its form is canonical.
public struct JSONElementCursor {
    private let walker: JSONWalker
    private var position: Int
    private let end: Int

    /// A cursor before the first element.
    public init(_ array: JSONSlice, in bytes: UnsafeBufferPointer<UInt8>) {
        walker = JSONWalker(bytes: bytes)
        position = Int(array.start) + 1
        end = array.kind == .array ? Int(array.end) - 1 : position
    }

    /// The next element, or nil after the last.
    public mutating func next() -> JSONSlice? {
        guard position < end else { return nil }
        let valueEnd = walker.endOfValue(at: position)
        let value = walker.slice(position, valueEnd)
        position = valueEnd + 1
        return value
    }
}

/// Finds where values end in canonical text that a scanner has validated.
struct JSONWalker {
    let bytes: UnsafeBufferPointer<UInt8>

    func slice(_ start: Int, _ end: Int) -> JSONSlice {
        let kind = JSONSlice.Kind(firstByte: bytes[start])
        return JSONSlice(start: start, end: end, kind: kind, form: .canonical)
    }

    /// The offset after the string that starts at `start`.
    func endOfString(at start: Int) -> Int {
        guard let base = bytes.baseAddress else { return start }
        var position = start + 1
        while true {
            // The text is valid: nothing but a quote or a backslash can stop the search.
            position = ByteText.firstSpecial(in: base, from: position, to: bytes.count, findsWideBytes: false)
            if bytes[position] == UInt8(ascii: "\"") { return position + 1 }
            position += 2
        }
    }

    /// The offset after the value that starts at `start`.
    func endOfValue(at start: Int) -> Int {
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
