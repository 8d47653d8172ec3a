import EventJSON
import Testing

/// Our parser and jansson's over the same made-up texts: what both accept means the same to both.
@Suite("Our parser and jansson's")
struct DifferentialTests {
    /// A generator whose numbers depend on its seed alone.
    private struct Generator: RandomNumberGenerator {
        var state: UInt64

        mutating func next() -> UInt64 {
            state &+= 0x9E37_79B9_7F4A_7C15
            var mixed = state
            mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
            mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
            return mixed ^ mixed >> 31
        }
    }

    private static let strings = [
        "", "a", "é", "😀", "\\n", "\\u00e9", "\\ud83d\\ude00", "\\\"", "\\\\", "x y", "0", "17",
    ]
    private static let scalars = ["null", "true", "false", "0", "-1", "3.5", "1e3", "123456789012", "-0.25E-2"]

    /// A random text of JSON with random white space.
    private static func text(_ generator: inout Generator, depth: Int) -> String {
        let space = ["", "", "", " ", "\n", "\t "].randomElement(using: &generator) ?? ""
        let count = Int.random(in: 0...4, using: &generator)
        switch Int.random(in: 0...(depth > 0 ? 5 : 2), using: &generator) {
        case 0, 1: return space + (scalars.randomElement(using: &generator) ?? "0") + space
        case 2: return space + "\"" + (strings.randomElement(using: &generator) ?? "") + "\""
        case 3:
            return space + "[" + (0..<count).map { _ in text(&generator, depth: depth - 1) }.joined(separator: ",")
                + "]"
        default:
            // Names are numbered, since jansson is asked to refuse repeated ones.
            let members = (0..<count).map { number in
                "\"\(strings.randomElement(using: &generator) ?? "")n\(number)\":" + text(&generator, depth: depth - 1)
            }
            return space + "{" + members.joined(separator: ",") + space + "}"
        }
    }

    @Test("texts made at random are read alike and written alike", arguments: 1...20)
    func random(_ seed: UInt64) throws {
        var generator = Generator(state: seed)
        for _ in 0..<200 {
            let text = Self.text(&generator, depth: 5)
            let ours = try JSONValue(jsonText: text)
            let theirs = try JanssonText.parse(text)
            #expect(ours == theirs, "seed \(seed): \(text)")
            #expect(try JSONValue(jsonText: ours.jsonText).jsonText == ours.jsonText)
            #expect(Self.canonical(text) == String(decoding: ours.jsonText, as: UTF8.self), "seed \(seed): \(text)")
        }
    }

    @Test("texts with one byte changed are accepted by both or by neither", arguments: 1...20)
    func mutated(_ seed: UInt64) throws {
        var generator = Generator(state: seed &* 7919)
        for _ in 0..<200 {
            var bytes = Array(Self.text(&generator, depth: 4).utf8)
            guard let position = bytes.indices.randomElement(using: &generator) else { continue }
            bytes[position] = UInt8.random(in: 0...255, using: &generator)
            let ours = try? JSONValue(jsonText: bytes)
            let theirs = Result { try JanssonText.parse(String(decoding: bytes, as: UTF8.self)) }
            // jansson is given repaired UTF-8, refuses lone surrogates and repeated names, and does not look at what
            // follows a number and a NUL: texts of those kinds say nothing.
            let isComparable =
                String(validating: bytes, as: UTF8.self) != nil && !bytes.contains(0)
                && !String(decoding: bytes, as: UTF8.self).contains("\\u")
            if isComparable, (try? theirs.get()) != nil { #expect(ours != nil, "seed \(seed): \(bytes)") }
            if isComparable, ours != nil, case .failure(let refusal) = theirs {
                // jansson converts numbers and refuses those that do not fit; ours keep their text.
                let isTooBig = ["overflow", "too big"].contains { "\(refusal)".contains($0) }
                let text = String(decoding: bytes, as: UTF8.self)
                #expect(isTooBig || Self.hasRepeatedName(bytes), "seed \(seed): \(text)")
            }
        }
    }

    private static func hasRepeatedName(_ bytes: [UInt8]) -> Bool {
        form(bytes) == .disordered
    }

    private static func form(_ bytes: [UInt8]) -> JSONSlice.Form? {
        bytes.withUnsafeBufferPointer { bytes in
            guard var scanner = try? JSONScanner(bytes) else { return nil }
            return try? scanner.scanValue().form
        }
    }

    private static func canonical(_ text: String) -> String? {
        let bytes = Array(text.utf8)
        return bytes.withUnsafeBufferPointer { bytes in
            guard var scanner = try? JSONScanner(bytes), let slice = try? scanner.scanValue() else { return nil }
            return String(decoding: JSONCanonicalizer.text(of: slice, in: bytes), as: UTF8.self)
        }
    }
}
