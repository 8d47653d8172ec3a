/// As much of HTTP as it takes to see where an answer ends, byte by byte: it is done within the measured time.
enum HTTPAnswer {
    private static let success = Array("HTTP/1.1 200 ".utf8)
    private static let lengthName = Array("content-length:".utf8)

    /// Whether a whole answer is there.
    ///
    /// - Throws: When it is not a success, has no length, or is followed by something.
    static func isComplete(_ bytes: [UInt8]) throws -> Bool {
        var lineStart = 0
        var length: Int?
        for place in bytes.indices where bytes[place] == UInt8(ascii: "\n") {
            if place - lineStart <= 1 {
                guard bytes.starts(with: success), let length, bytes.count <= place + 1 + length else {
                    throw BenchmarkError("an answer was: \(String(decoding: bytes, as: UTF8.self))")
                }
                return bytes.count == place + 1 + length
            }
            length = length ?? contentLength(bytes[lineStart..<place])
            lineStart = place + 1
        }
        return false
    }

    private static func contentLength(_ line: ArraySlice<UInt8>) -> Int? {
        guard line.count > lengthName.count, line.first.map({ $0 | 0x20 }) == lengthName[0],
            zip(line, lengthName).allSatisfy({ $0 | 0x20 == $1 | 0x20 })
        else { return nil }
        return line.dropFirst(lengthName.count).reduce(0) { sum, byte in
            (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) ? sum * 10 + Int(byte - UInt8(ascii: "0")) : sum
        }
    }
}
