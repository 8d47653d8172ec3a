import Testing

@testable import RedisStreamsDestination

@Suite("Slots and redirections")
struct RedisClusterPartsTests {
    // The first is the check value of CRC-16/XMODEM, the others are what CLUSTER KEYSLOT answers.
    @Test("checksums and slots")
    func slots() {
        #expect(RedisHashSlot.checksum("123456789".utf8) == 0x31C3)
        let slots = ["foo": 12_182, "bar": 5_061, "": 0, "{user1000}.following": 3_443, "user1000": 3_443]
        for (key, slot) in slots { #expect(RedisHashSlot.slot(of: key) == slot, "\(key)") }
    }

    @Test("only what is not empty between the first brace and the next is hashed")
    func hashTags() {
        #expect(RedisHashSlot.slot(of: "foo{}{bar}") != RedisHashSlot.slot(of: "bar"))
        #expect(RedisHashSlot.slot(of: "foo{{bar}}zap") == RedisHashSlot.slot(of: "{bar"))
        #expect(RedisHashSlot.slot(of: "foo{bar}{zap}") == RedisHashSlot.slot(of: "bar"))
        #expect(RedisHashSlot.slot(of: "foo{bar") != RedisHashSlot.slot(of: "bar"))
        #expect(RedisHashSlot.slot(of: "}foo{bar}") == RedisHashSlot.slot(of: "bar"))
    }

    @Test("redirections are read, and nothing else is")
    func redirects() {
        let good = RedisRedirect("MOVED 3999 10.0.0.7:6381", askedHost: "h")
        #expect(good?.slot == 3_999)
        #expect(good?.endpoint == .tcp(host: "10.0.0.7", port: 6_381))
        #expect(RedisRedirect("ASK 0 :7000", askedHost: "h")?.endpoint == .tcp(host: "h", port: 7_000))
        #expect(RedisRedirect("MOVED 1 fe80::1:7000", askedHost: "h")?.endpoint == .tcp(host: "fe80::1", port: 7_000))
        let bad = [
            "", "MOVED", "MOVED 1", "MOVED 16384 h:1", "MOVED -1 h:1", "MOVED x h:1", "MOVED 1 h", "MOVED 1 h:0",
            "MOVED 1 h:65536", "MOVED 1 a/b:1", "MOVED 1 h:1 more", "ASKING 1 h:1", "ERR MOVED 1 h:1",
        ]
        for text in bad { #expect(RedisRedirect(text, askedHost: "h") == nil, "\(text)") }
    }

    private func range(_ first: Int64, _ last: Int64, _ host: String, _ port: Int64) -> RedisReply {
        .array([.integer(first), .integer(last), .array([.bulk(Array(host.utf8)), .integer(port), .bulk([])])])
    }

    @Test("a map of slots is read, asked, and moved")
    func map() throws {
        let reply = RedisReply.array([range(0, 99, "a", 1), range(100, 16_383, "", 2), range(50, 50, "?", 3)])
        var map = try #require(RedisSlotMap(reply, askedHost: "asked"))
        #expect(map.owner(of: 99) == .tcp(host: "a", port: 1))
        #expect(map.owner(of: 100) == .tcp(host: "asked", port: 2))
        #expect(map.nodes.count == 2)
        map.move(7, to: .tcp(host: "c", port: 3))
        #expect(map.owner(of: 7) == .tcp(host: "c", port: 3))
        #expect(map.owner(of: 8) == .tcp(host: "a", port: 1))
        #expect(RedisSlotMap().owner(of: 0) == nil)
    }

    @Test("an answer that is no map is none")
    func badMaps() {
        let bad: [RedisReply] = [
            .null, .status("OK"), .array([.null]), .array([.array([])]), .array([range(-1, 5, "h", 1)]),
            .array([range(0, 16_384, "h", 1)]), .array([range(5, 4, "h", 1)]), .array([range(0, 1, "h", 0)]),
            .array([range(0, 1, "a b", 1)]), .array([.array([.integer(0), .integer(1), .array([])])]),
            .array((0..<1_001).map { range(Int64($0), Int64($0), "h\($0)", 1) }),
        ]
        for reply in bad { #expect(RedisSlotMap(reply, askedHost: "h") == nil) }
    }

    @Test("any replies are read without a trap", arguments: 0..<50 as Range<UInt64>)
    func anything(_ seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        func value(_ depth: Int) -> RedisReply {
            switch Int.random(in: 0..<(depth < 4 ? 6 : 4), using: &random) {
            case 0: .integer(Bool.random(using: &random) ? Int64.random(in: .min ... .max, using: &random) : 5)
            case 1: .bulk(Array("localhost".utf8.prefix(Int.random(in: 0...9, using: &random))))
            case 2: .null
            case 3: .error("MOVED")
            default: .array((0..<Int.random(in: 0...4, using: &random)).map { _ in value(depth + 1) })
            }
        }
        for _ in 0..<200 { _ = RedisSlotMap(value(0), askedHost: "h") }
    }
}
