/// A second reading of a stream of HTTP/1.1 requests, strict about where each one ends (RFC 9112, 2.2, 5, 6, 7).
///
/// It knows nothing of methods, paths or limits. Where two readers could see two ends of a request, it sees the end of
/// all trust and stops. A server that acts on a request that this reader does not find was smuggled one.
struct StrictRequestReader {
    /// A request's target and its body without chunks.
    struct Request {
        let target: [UInt8]
        let body: [UInt8]
    }

    private let bytes: [UInt8]
    private var position = 0

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
    }

    /// The requests up to the end, or up to the first whose end is in doubt.
    static func requests(_ bytes: [UInt8]) -> [Request] {
        var reader = StrictRequestReader(bytes)
        var requests: [Request] = []
        while let request = reader.next() { requests.append(request) }
        return requests
    }

    private mutating func next() -> Request? {
        // Line ends before a request and more than one space in its first line are let pass (RFC 9112, 2.2 and 3): they
        // move no end.
        while position < bytes.count, bytes[position] == 13 || bytes[position] == 10 { position += 1 }
        guard let line = line() else { return nil }
        let words = line.split(separator: 32)
        guard words.count == 3, words[2].starts(with: "HTTP/1.".utf8) else { return nil }
        var lengths: [[UInt8]] = []
        var codings: [[UInt8]] = []
        while true {
            guard let line = self.line() else { return nil }
            if line.isEmpty { break }
            guard let (name, value) = Self.field(line) else { return nil }
            if name == Array("content-length".utf8) { lengths.append(value) }
            if name == Array("transfer-encoding".utf8) { codings.append(value) }
        }
        guard let body = body(lengths, codings) else {
            // The head is certain, and may be acted on; nothing behind it is.
            position = bytes.count
            return Request(target: Array(words[1]), body: [])
        }
        return Request(target: Array(words[1]), body: body)
    }

    private mutating func body(_ lengths: [[UInt8]], _ codings: [[UInt8]]) -> [UInt8]? {
        if codings.isEmpty, lengths.isEmpty { return [] }
        if codings.isEmpty {
            guard lengths.count == 1, !lengths[0].isEmpty, lengths[0].allSatisfy({ 0x30...0x39 ~= $0 }),
                let count = Int(String(decoding: lengths[0], as: UTF8.self))
            else { return nil }
            return take(count)
        }
        guard lengths.isEmpty, codings.count == 1, Self.lowercased(codings[0]) == Array("chunked".utf8) else {
            return nil
        }
        return chunks()
    }

    private mutating func chunks() -> [UInt8]? {
        var body: [UInt8] = []
        while true {
            guard let line = line() else { return nil }
            let digits = line.prefix { Self.isHexadecimal($0) }
            let rest = line.dropFirst(digits.count)
            guard !digits.isEmpty, rest.isEmpty || rest.first == UInt8(ascii: ";"),
                let count = Int(String(decoding: digits, as: UTF8.self), radix: 16)
            else { return nil }
            if count == 0 { break }
            guard let data = take(count), take(2) == [13, 10] else { return nil }
            body += data
        }
        while let line = line() {
            if line.isEmpty { return body }
            guard Self.field(line) != nil else { return nil }
        }
        return nil
    }

    private mutating func take(_ count: Int) -> [UInt8]? {
        guard count <= bytes.count - position else { return nil }
        defer { position += count }
        return Array(bytes[position..<position + count])
    }

    /// The next line without its end; nil if there is none, or if it has a control character but the tab.
    private mutating func line() -> [UInt8]? {
        guard let end = bytes[position...].firstIndex(of: 10), end > position, bytes[end - 1] == 13 else { return nil }
        let line = Array(bytes[position..<end - 1])
        guard line.allSatisfy({ $0 >= 32 || $0 == 9 }) else { return nil }
        position = end + 1
        return line
    }

    /// Name in lower case and value of a field line; nil if the name is no token or the line continues another.
    private static func field(_ line: [UInt8]) -> ([UInt8], [UInt8])? {
        guard let colon = line.firstIndex(of: UInt8(ascii: ":")), colon > 0, line[..<colon].allSatisfy(isToken) else {
            return nil
        }
        var value = line[(colon + 1)...]
        while let first = value.first, first == 32 || first == 9 { value.removeFirst() }
        while let last = value.last, last == 32 || last == 9 { value.removeLast() }
        return (lowercased(Array(line[..<colon])), Array(value))
    }

    private static func lowercased(_ text: [UInt8]) -> [UInt8] {
        text.map { 0x41...0x5A ~= $0 ? $0 + 32 : $0 }
    }

    private static func isHexadecimal(_ byte: UInt8) -> Bool {
        0x30...0x39 ~= byte || 0x41...0x46 ~= byte || 0x61...0x66 ~= byte
    }

    private static func isToken(_ byte: UInt8) -> Bool {
        0x30...0x39 ~= byte || 0x41...0x5A ~= byte || 0x61...0x7A ~= byte || "!#$%&'*+-.^_`|~".utf8.contains(byte)
    }
}
