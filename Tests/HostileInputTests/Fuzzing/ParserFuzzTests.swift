import Collector
import EventJSON
import Testing

/// Mutated events and the parser: nothing traps, nothing reads beyond the end, what is accepted is written as JSON that
/// means the same, and jansson agrees.
///
/// Texts made at random, and a second opinion on those: `EventJSONTests/DifferentialTests`.
@Suite("Mutated events", .timeLimit(.minutes(240)))
struct ParserFuzzTests {
    private static func seeds() throws -> [[UInt8]] {
        let own = try JSONCase.own().filter { $0.status == 200 }.map { JSONCase.event("seed", value: $0.bytes) }
        let more = [
            HostileDaemon.honestEvent("seed"), "[\(HostileDaemon.honestEvent("a")),\(HostileDaemon.honestEvent("b"))]",
            #"{"batch":[{"name":"a b"},{"name":"c d","globals":{},"source":{"release":{"x":"1"},"platform":"web"}}]}"#,
            #"{"name":"page view","nested":[{"entity":"x","data":{"7":1,"3":2,"a":[{}]}}],"context":{"a":["b",0]}}"#,
            "[[[[[{\"a\":[1,2.5e-7,true,false,null,\"\\u00e9\\n\"]}]]]]]", "  {  } ", "0", "\"x\"",
        ]
        return own + more.map { Array($0.utf8) }
    }

    @Test("are refused, or mean the same when they are written")
    func mutated() throws {
        let seeds = try Self.seeds()
        let run = try FuzzRun("parser", defaultCount: 12_000)
        let memory = try GuardedBytes(maximumByteCount: 1 << 20)
        var acceptedCount = 0
        try run.run { generator in
            ByteMutation.mutate(generator.one(of: seeds), tokens: ByteMutation.jsonTokens, with: &generator)
        } attempt: { bytes, origin in
            let value = try? JSONValue(jsonText: bytes)
            let canonical = memory.lend(bytes) { buffer -> [UInt8]? in
                _ = try? EventBatch(json: buffer)
                guard var scanner = try? JSONScanner(buffer), let slice = try? scanner.scanValue(),
                    (try? scanner.expectEnd()) != nil
                else { return nil }
                return JSONCanonicalizer.text(of: slice, in: buffer)
            }
            #expect((canonical != nil) == (value != nil), origin)
            guard let value, let canonical else { return check(refused: bytes, origin) }
            acceptedCount += 1
            #expect(String(validating: canonical, as: UTF8.self) != nil, origin)
            let again = try JSONValue(jsonText: canonical)
            #expect(again == value, origin)
            #expect(try JSONValue(jsonText: value.jsonText) == value, origin)
            check(accepted: value, bytes, origin)
        }
        // A mutator that breaks everything, or nothing, would show little.
        #expect(run.count < 100 || (run.count / 20...run.count * 19 / 20).contains(acceptedCount), "\(acceptedCount)")
    }

    /// Whether both policies have the same to say: jansson refuses lone surrogates and names with NUL, and is given
    /// repaired UTF-8.
    private func isComparable(_ bytes: [UInt8]) -> Bool {
        guard let text = String(validating: bytes, as: UTF8.self) else { return false }
        return !bytes.contains(0) && !text.utf8.contains(subsequence: "\\u")
    }

    private func check(refused bytes: [UInt8], _ origin: Comment) {
        guard isComparable(bytes) else { return }
        let theirs = try? JanssonText.parse(bytes, rejectsDuplicates: false)
        #expect(theirs == nil || isDeeperThanOurLimit(bytes), origin)
    }

    private func check(accepted value: JSONValue, _ bytes: [UInt8], _ origin: Comment) {
        guard isComparable(bytes) else { return }
        do {
            #expect(try JanssonText.parse(bytes, rejectsDuplicates: false) == value, origin)
        } catch {
            // jansson converts numbers and refuses those that do not fit; ours keep their text.
            #expect("\(error)".contains("too big") || "\(error)".contains("overflow"), origin)
        }
    }

    private func isDeeperThanOurLimit(_ bytes: [UInt8]) -> Bool {
        do {
            _ = try JSONValue(jsonText: bytes)
            return false
        } catch {
            return error.code == .tooDeep
        }
    }
}

extension String.UTF8View {
    fileprivate func contains(subsequence text: String) -> Bool {
        Array(self).firstRange(of: Array(text.utf8)) != nil
    }
}
