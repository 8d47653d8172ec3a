import EventJSON

/// The first two words of an event's name that is still text: where they lie, or what they are if the name must be
/// decoded first.
enum NameWords {
    case ranges(entity: Range<Int>, action: Range<Int>)
    case texts(entity: String, action: String)

    /// The words of a name, a string's slice; nil unless there are two.
    init?(_ name: JSONSlice, in bytes: UnsafeBufferPointer<UInt8>) {
        let text = bytes[Int(name.start) + 1..<Int(name.end) - 1]
        if name.form == .canonical, !text.contains(UInt8(ascii: "\\")) {
            guard let first = text.firstIndex(of: UInt8(ascii: " ")), first > text.startIndex else { return nil }
            let rest = text[(first + 1)...]
            let second = rest.firstIndex(of: UInt8(ascii: " ")) ?? rest.endIndex
            guard second > rest.startIndex else { return nil }
            self = .ranges(entity: text.startIndex..<first, action: rest.startIndex..<second)
        } else {
            guard let name = JSONValue(validated: name, in: bytes).string, let words = EventName.words(name) else {
                return nil
            }
            self = .texts(entity: words.entity, action: words.action)
        }
    }

    /// Appends the first word as a JSON string.
    func appendEntity(of bytes: UnsafeBufferPointer<UInt8>, to text: inout ByteWriter) {
        switch self {
        case .ranges(let entity, _): Self.append(entity, of: bytes, to: &text)
        case .texts(let entity, _): text.appendJSON(entity)
        }
    }

    /// Appends the second word as a JSON string.
    func appendAction(of bytes: UnsafeBufferPointer<UInt8>, to text: inout ByteWriter) {
        switch self {
        case .ranges(_, let action): Self.append(action, of: bytes, to: &text)
        case .texts(_, let action): text.appendJSON(action)
        }
    }

    /// Lends the first word's UTF-8.
    func withEntity<Result>(
        of bytes: UnsafeBufferPointer<UInt8>,
        _ body: (UnsafeBufferPointer<UInt8>) -> Result
    ) -> Result {
        switch self {
        case .ranges(let entity, _): return body(UnsafeBufferPointer(rebasing: bytes[entity]))
        case .texts(var entity, _): return entity.withUTF8(body)
        }
    }

    /// Lends the second word's UTF-8.
    func withAction<Result>(
        of bytes: UnsafeBufferPointer<UInt8>,
        _ body: (UnsafeBufferPointer<UInt8>) -> Result
    ) -> Result {
        switch self {
        case .ranges(_, let action): return body(UnsafeBufferPointer(rebasing: bytes[action]))
        case .texts(_, var action): return action.withUTF8(body)
        }
    }

    private static func append(_ range: Range<Int>, of bytes: UnsafeBufferPointer<UInt8>, to text: inout ByteWriter) {
        text.append(UInt8(ascii: "\""))
        text.append(contentsOf: UnsafeBufferPointer(rebasing: bytes[range]))
        text.append(UInt8(ascii: "\""))
    }
}
