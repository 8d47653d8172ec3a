/// Finds the line and column at which a part of a JSON text stands, so that an error can name them.
public enum JSONLocator {
    /// A place in a text, both counted from 1.
    public struct Place: Sendable, Equatable {
        /// The line.
        public let line: Int
        /// The column, in bytes.
        public let column: Int
    }

    /// The place of the value that a path of member names and array indices leads to, or of its nearest ancestor that
    /// exists. For a member it is the place of its name. Nil if the text is not JSON.
    public static func place(of path: [String], in text: [UInt8]) -> Place? {
        text.withUnsafeBufferPointer { bytes -> Place? in
            let limits = JSONLimits(maximumByteCount: .max, maximumDepth: 2048)
            guard var scanner = try? JSONScanner(bytes, limits: limits),
                let offset = try? find(path[...], &scanner, in: bytes)
            else { return nil }
            return place(ofOffset: offset, in: bytes)
        }
    }

    private static func find(
        _ path: ArraySlice<String>,
        _ scanner: inout JSONScanner,
        in bytes: UnsafeBufferPointer<UInt8>
    ) throws(JSONError) -> Int {
        let first = try scanner.peek()
        let here = scanner.position
        guard let step = path.first else { return here }
        if first == UInt8(ascii: "{") {
            try scanner.enterObject()
            while let name = try scanner.nextName() {
                if let text = JSONValue(validated: name, in: bytes).string, ExactString(text) == ExactString(step) {
                    if path.count == 1 { return Int(name.start) }
                    let inside = try find(path.dropFirst(), &scanner, in: bytes)
                    return inside
                }
                _ = try scanner.scanValue()
            }
        } else if first == UInt8(ascii: "["), let index = Int(step) {
            try scanner.enterArray()
            var position = 0
            while try scanner.nextElement(isFirst: position == 0) {
                if position == index { return try find(path.dropFirst(), &scanner, in: bytes) }
                _ = try scanner.scanValue()
                position += 1
            }
        }
        return here
    }

    private static func place(ofOffset offset: Int, in bytes: UnsafeBufferPointer<UInt8>) -> Place {
        var line = 1
        var column = 1
        for byte in bytes.prefix(offset) {
            if byte == UInt8(ascii: "\n") {
                line += 1
                column = 1
            } else {
                column += 1
            }
        }
        return Place(line: line, column: column)
    }
}
