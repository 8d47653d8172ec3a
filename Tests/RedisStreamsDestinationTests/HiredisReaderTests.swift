import Testing

@testable import RedisStreamsDestination

@Suite("Reading replies with hiredis", .timeLimit(.minutes(1)))
struct HiredisReaderTests {
    /// A reader with its builder; bytes are fed by hand.
    private final class Reader {
        let builder = UnsafeMutablePointer<RedisReplyBuilder>.allocate(capacity: 1)
        private let reader: HiredisReader

        init(replyBytes: Int = 1 << 20) throws {
            builder.initialize(to: RedisReplyBuilder(maximumReplyBytes: replyBytes))
            reader = try HiredisReader(builder: builder)
        }

        deinit {
            builder.deinitialize(count: 1)
            builder.deallocate()
        }

        func feed(_ bytes: some Collection<UInt8>) {
            Array(bytes).withUnsafeBytes { reader.feed($0) }
        }

        func next() -> HiredisReader.Parsed { reader.nextReply() }
    }

    private func randomReply(depth: Int, using random: inout SeededGenerator) -> (reply: RedisReply, bytes: [UInt8]) {
        switch Int.random(in: 0..<(depth < 6 ? 6 : 5), using: &random) {
        case 0:
            let text = String(repeating: "k", count: Int.random(in: 0...20, using: &random))
            return (.status(text), Array("+\(text)\r\n".utf8))
        case 1:
            let number = Int64.random(in: .min ... .max, using: &random)
            return (.integer(number), Array(":\(number)\r\n".utf8))
        case 2:
            return (.null, Array((Bool.random(using: &random) ? "$-1\r\n" : "*-1\r\n").utf8))
        case 3:
            return (.error("ERR no"), Array("-ERR no\r\n".utf8))
        case 4:
            let count = Int.random(in: 0...200, using: &random)
            let content = (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) }
            return (.bulk(content), Array("$\(count)\r\n".utf8) + content + [13, 10])
        default:
            let elements = (0..<Int.random(in: 0...5, using: &random)).map { _ in
                randomReply(depth: depth + 1, using: &random)
            }
            let bytes = Array("*\(elements.count)\r\n".utf8) + elements.flatMap(\.bytes)
            return (.array(elements.map(\.reply)), bytes)
        }
    }

    @Test("any replies in pieces of any size are read as they were sent", arguments: 0..<40 as Range<UInt64>)
    func roundTrip(_ seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let sent = (0..<50).map { _ in randomReply(depth: 0, using: &random) }
        let reader = try Reader()
        var rest = sent.flatMap(\.bytes)[...]
        while !rest.isEmpty {
            let piece = rest.prefix(Int.random(in: 1...64, using: &random))
            rest = rest.dropFirst(piece.count)
            reader.feed(piece)
            while reader.next() == .reply {}
        }
        let received = reader.builder.pointee.take(commandCount: sent.count)
        #expect((0..<received.count).map { received[$0] } == sent.map(\.reply))
    }

    @Test("damaged replies end in an error or wait for more, and nothing else", arguments: 0..<40 as Range<UInt64>)
    func damaged(_ seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        for _ in 0..<10 {
            var bytes = (0..<5).flatMap { _ in randomReply(depth: 0, using: &random).bytes }
            for _ in 0...Int.random(in: 0...5, using: &random) {
                let position = Int.random(in: bytes.indices, using: &random)
                switch Int.random(in: 0..<3, using: &random) {
                case 0: bytes[position] = UInt8.random(in: 0...255, using: &random)
                case 1: bytes.insert(contentsOf: "9*$-:\r\n".utf8.shuffled(using: &random).prefix(3), at: position)
                default: bytes.removeSubrange(position..<min(bytes.count, position + 3))
                }
                if bytes.isEmpty { bytes = [13] }
            }
            let reader = try Reader(replyBytes: 4_096)
            var isBroken = false
            for piece in stride(from: 0, to: bytes.count, by: 7) where !isBroken {
                reader.feed(bytes[piece..<min(piece + 7, bytes.count)])
                reading: while true {
                    switch reader.next() {
                    case .reply: continue
                    case .incomplete: break reading
                    case .tooLarge, .violation:
                        isBroken = true
                        break reading
                    }
                }
            }
            reader.builder.pointee.discardPartialReply()
            let replies = reader.builder.pointee.take(commandCount: 0)
            for index in 0..<replies.count { _ = replies[index] }
        }
    }

    @Test("a limit counts each reply by itself")
    func limitPerReply() throws {
        let reader = try Reader(replyBytes: 100)
        for _ in 0..<50 {
            reader.feed(Array("$80\r\n".utf8) + [UInt8](repeating: 65, count: 80) + [13, 10])
            #expect(reader.next() == .reply)
        }
        reader.feed(Array("*2\r\n$60\r\n".utf8) + [UInt8](repeating: 65, count: 60) + Array("\r\n$60\r\n".utf8))
        guard case .tooLarge = reader.next() else {
            Issue.record("not refused")
            return
        }
    }
}
