/// Changes bytes at random places: what an unlucky network, a careless program or an attacker would.
enum ByteMutation {
    /// Applies one or two changes; `tokens` are texts that mean something in the format.
    static func mutate(_ bytes: [UInt8], tokens: [String], with generator: inout SeededGenerator) -> [UInt8] {
        var bytes = bytes
        for _ in 0...generator.next(below: 2) { change(&bytes, tokens, &generator) }
        return bytes
    }

    private static func change(_ bytes: inout [UInt8], _ tokens: [String], _ generator: inout SeededGenerator) {
        let place = generator.next(below: bytes.count + 1)
        let end = min(bytes.count, place + 1 + generator.next(below: 12))
        switch generator.next(below: 9) {
        case 0 where place < bytes.count: bytes[place] = UInt8(truncatingIfNeeded: generator.next())
        case 1 where place < bytes.count: bytes[place] ^= 1 << UInt8(generator.next(below: 8))
        case 2: bytes.insert(UInt8(truncatingIfNeeded: generator.next()), at: place)
        case 3: bytes.removeSubrange(place..<end)
        case 4: bytes.insert(contentsOf: Array(bytes[place..<end]), at: place)
        case 5: bytes.removeSubrange(place...)
        case 6:
            let source = generator.next(below: bytes.count + 1)
            let part = Array(bytes[source..<min(bytes.count, source + generator.next(below: 64))])
            bytes.insert(contentsOf: part, at: place)
        case 7: bytes.replaceSubrange(place..<end, with: Array(generator.one(of: tokens).utf8))
        default: bytes.insert(contentsOf: Array(generator.one(of: tokens).utf8), at: place)
        }
    }

    /// Pieces of JSON that parsers have stumbled over.
    static let jsonTokens = [
        "{", "}", "[", "]", ",", ":", "\"", "\\", "\\u", "\\ud800", "\\udc00", "\\u0000", "\\ud83d\\ude00", "null",
        "true", "nul", "0", "-", "-0", "1e", "1e999", ".5", "9007199254740993", "\u{FEFF}", "\u{0}", "\u{7F}", "é", "😀",
        "{\"\":", "[[[[[[[[", "\"a\":1,\"a\":2", "\"1\":0,\"0\":1", " ", "\n", "\"name\":", "\"batch\":[",
        "\"source\":{",
        "\"data\":null", "\"user\":null", "\"nested\":{", "\"count\":null", "\"release\":[", "\"platform\":\"\"",
    ]
}
