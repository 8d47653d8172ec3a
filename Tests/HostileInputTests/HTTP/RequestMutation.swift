/// Changes streams of HTTP requests where their readers have been found to disagree: single bytes, line ends, fields, and
/// where one request ends.
enum RequestMutation {
    /// One to three changes.
    static func mutate(_ bytes: [UInt8], with generator: inout SeededGenerator) -> [UInt8] {
        var bytes = bytes
        for _ in 0...generator.next(below: 3) { change(&bytes, &generator) }
        return bytes
    }

    private static func change(_ bytes: inout [UInt8], _ generator: inout SeededGenerator) {
        let place = generator.next(below: bytes.count + 1)
        switch generator.next(below: 12) {
        case 0 where place < bytes.count: bytes.remove(at: place)
        case 1 where place < bytes.count: bytes[place] = UInt8(truncatingIfNeeded: generator.next())
        case 2: bytes.insert(UInt8(truncatingIfNeeded: generator.next()), at: place)
        case 3: bytes.insert(contentsOf: Array(generator.one(of: separators).utf8), at: place)
        case 4: insert(generator.one(of: separators), atLineEndOf: &bytes, &generator)
        case 5: changeLine(&bytes, &generator) { _, _ in nil }
        case 6: changeLine(&bytes, &generator) { line, _ in line + [13, 10] + line }
        case 7, 8:
            changeLine(&bytes, &generator) { line, generator in
                line + [13, 10] + Array(generator.one(of: fields).utf8)
            }
        case 9: changeLine(&bytes, &generator) { _, generator in Array(generator.one(of: fields).utf8) }
        case 10:
            changeLine(&bytes, &generator) { line, generator in
                Array((generator.one(of: sizes) + generator.one(of: ["", ";x=y", ";", " "])).utf8)
            }
        default: bytes.removeSubrange(place..<min(bytes.count, place + generator.next(below: 20)))
        }
    }

    private static let separators = ["\r\n", "\n", "\r", "\0", ":", " ", "\t", "\u{B}", "\r\n\r\n", "\r\n ", ";", ","]

    private static let fields = [
        "Transfer-Encoding: chunked", "transfer-encoding: CHUNKED", "Transfer-Encoding : chunked",
        "Transfer-Encoding: chunked, identity", "Transfer-Encoding: identity", "Transfer-Encoding:\u{B}chunked",
        "Transfer-Encoding: xchunked", "Transfer-Encoding:", " Transfer-Encoding: chunked", "Transfer-Encoding: gzip",
        "Content-Length: 0", "Content-Length: 5", "Content-Length: 60", "Content-Length: +5", "Content-Length: 5, 5",
        "Content-Length: 0x5", "Content-Length:", "Content-Length: 99999999999999999999", "Content-Length : 5",
        "Content-Length: -1", "Connection: close", "Connection: Content-Length", "Expect: 100-continue", "Upgrade: h2c",
        "Content-Encoding: gzip", "Host: other", "X: y", "Trailer: Content-Length", "Content-Type: text/plain",
    ]

    private static let sizes = [
        "0", "5", "1f", "00", "0x5", "+5", "-1", "ffffffffffffffff", "10000000000000005", "", "g",
    ]

    /// Puts text before or behind a line end.
    private static func insert(_ text: String, atLineEndOf bytes: inout [UInt8], _ generator: inout SeededGenerator) {
        let ends = bytes.indices.filter { bytes[$0] == 13 }
        guard !ends.isEmpty else { return }
        let end = generator.one(of: ends)
        bytes.insert(contentsOf: Array(text.utf8), at: min(bytes.count, end + generator.next(below: 3)))
    }

    /// Replaces a line by another text, or takes it away.
    private static func changeLine(
        _ bytes: inout [UInt8],
        _ generator: inout SeededGenerator,
        _ change: ([UInt8], inout SeededGenerator) -> [UInt8]?
    ) {
        var starts = [0]
        for index in bytes.indices where bytes[index] == 10 && index + 1 < bytes.count { starts.append(index + 1) }
        let start = generator.one(of: starts)
        guard let end = bytes[start...].firstRange(of: [13, 10]) else { return }
        if let line = change(Array(bytes[start..<end.lowerBound]), &generator) {
            bytes.replaceSubrange(start..<end.lowerBound, with: line)
        } else {
            bytes.removeSubrange(start..<end.upperBound)
        }
    }
}
