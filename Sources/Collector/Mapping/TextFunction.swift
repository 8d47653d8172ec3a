import Crypto
import EventJSON

/// A mapping function that needs no tree: it works on plain ASCII text, where it gives what its namesake among the
/// standard functions gives.
enum TextFunction: String, Sendable {
    case lowercase
    case uppercase
    case trim
    case sha256
    case md5

    /// Changes the text from `start` to the end: ASCII without quotes, backslashes and control characters, which it
    /// still is afterwards.
    func apply(to text: inout ByteWriter, from start: Int) {
        switch self {
        case .lowercase:
            for position in start..<text.count where UInt8(ascii: "A")...UInt8(ascii: "Z") ~= text[position] {
                text[position] |= 0x20
            }
        case .uppercase:
            for position in start..<text.count where UInt8(ascii: "a")...UInt8(ascii: "z") ~= text[position] {
                text[position] &= ~0x20
            }
        case .trim:
            // A space is the only white space that such text can hold.
            while text.count > start, text[text.count - 1] == UInt8(ascii: " ") { text.removeLast(1) }
            var first = start
            while first < text.count, text[first] == UInt8(ascii: " ") { first += 1 }
            text.remove(start..<first)
        case .sha256:
            var function = SHA256()
            Self.update(&function, with: text.written, from: start)
            function.finalize().withUnsafeBytes { Self.replace(&text, from: start, by: $0) }
        case .md5:
            var function = Insecure.MD5()
            Self.update(&function, with: text.written, from: start)
            function.finalize().withUnsafeBytes { Self.replace(&text, from: start, by: $0) }
        }
    }

    private static func update(
        _ function: inout some HashFunction,
        with text: UnsafeBufferPointer<UInt8>,
        from start: Int
    ) {
        function.update(bufferPointer: UnsafeRawBufferPointer(UnsafeBufferPointer(rebasing: text[start...])))
    }

    private static func replace(_ text: inout ByteWriter, from start: Int, by digest: UnsafeRawBufferPointer) {
        text.removeLast(text.count - start)
        for byte in digest {
            text.append(Hexadecimal.digit(byte >> 4))
            text.append(Hexadecimal.digit(byte & 0xF))
        }
    }
}
