import Glibc
import Synchronization
import Testing

@testable import RedisStreamsDestination

/// Random replies into the whole client, from the transport to the completions, without sockets.
///
/// `REDIS_REPLY_STREAMS` sets how many streams there are in all.
@Suite("Random reply streams", .timeLimit(.minutes(60)))
struct RedisReplyStreamTests {
    /// Brings prepared bytes in pieces of random sizes.
    private final class Transport: RedisTransport {
        let descriptor: Int32 = -1
        let wantsWrite = false
        private var rest: ArraySlice<UInt8>
        private var random: SeededGenerator

        init(_ bytes: [UInt8], _ random: SeededGenerator) {
            rest = bytes[...]
            self.random = random
        }

        var isEmpty: Bool { rest.isEmpty }

        func open() throws(RedisError) -> Bool { true }
        func write(_ bytes: UnsafeRawBufferPointer) -> RedisTransfer { .bytes(bytes.count) }
        func flush() -> RedisError? { nil }
        func read(into buffer: UnsafeMutableRawBufferPointer) -> RedisTransfer {
            if rest.isEmpty { return .wouldBlock }
            let piece = rest.prefix(min(buffer.count, Int.random(in: 1...40, using: &random)))
            rest = rest.dropFirst(piece.count)
            buffer.copyBytes(from: piece)
            return .bytes(piece.count)
        }
    }

    private static let count = getenv("REDIS_REPLY_STREAMS").flatMap { Int(String(cString: $0)) } ?? 4_000

    @Test("every command is completed once, whatever the other side sends", arguments: 0..<8 as Range<UInt64>)
    func random(_ seed: UInt64) async throws {
        var random = SeededGenerator(seed: seed &* 7_919)
        var configuration = RedisConfiguration()
        configuration.limits.replyBytes = 2_000
        configuration.limits.unansweredCommands = 8
        let core = try RedisClientCore(configuration: configuration, logger: .silent)
        for number in 0..<Self.count / 8 {
            if number % 64 == 0 { await Task.yield() }
            let stream = makeStream(&random)
            let completions = Self.run(core, stream, &random)
            #expect(completions.allSatisfy { $0 == 1 }, "seed \(seed), stream \(number): \(completions)")
        }
    }

    /// Feeds one stream to a client with commands under way; returns how often each batch was completed.
    private static func run(_ core: RedisClientCore, _ stream: [UInt8], _ random: inout SeededGenerator) -> [Int] {
        let loop = RedisConnectionLoop(core: core)
        let now = ContinuousClock.now
        guard case .connect = loop.machine.next(now: now) else { return [] }
        loop.machine.connected()
        let transport = Transport(stream, random)
        guard let reader = try? HiredisReader(builder: loop.builder) else { return [] }
        let connection = RedisConnection(transport: transport, reader: reader)
        loop.connection = connection

        let batchCount = Int.random(in: 0...6, using: &random)
        let completed = (0..<batchCount).map { _ in Counter() }
        for counter in completed {
            let commandCount = Int.random(in: 1...4, using: &random)
            for _ in 0..<commandCount { loop.machine.window.append(commandLength: 10) }
            loop.machine.window.append(batchOf: commandCount, deadline: now + .seconds(60))
            loop.batches.append(
                RedisInbox.Batch(commandCount: commandCount, deadline: now + .seconds(60)) { replies in
                    counter.value.add(1, ordering: .relaxed)
                    for index in 0..<replies.count { _ = replies[index] }
                    if replies.count < commandCount, replies.failure == nil {
                        counter.value.add(100, ordering: .relaxed)
                    }
                }
            )
        }
        var bytes = [UInt8](repeating: 0, count: 10 * 24)
        loop.log.append(&bytes)

        while loop.connection != nil, !transport.isEmpty {
            while loop.machine.nextWrite != nil {
                guard case .commands(let range)? = loop.machine.nextWrite else {
                    loop.machine.wrote(1)
                    continue
                }
                loop.machine.wrote(range.count)
            }
            guard loop.readReplies(connection) else { break }
        }
        loop.machine.abandon()
        while case .fail(let batchCount, let error) = loop.machine.next(now: now) {
            loop.fail(batchCount: batchCount, error)
        }
        return completed.map { $0.value.load(ordering: .relaxed) }
    }

    private final class Counter: Sendable {
        let value = Atomic(0)
    }

    // MARK: Streams

    private func makeStream(_ random: inout SeededGenerator) -> [UInt8] {
        var bytes: [UInt8] = []
        // Most get through the handshake.
        if Int.random(in: 0..<10, using: &random) > 0 {
            bytes += Array("+OK\r\n$28\r\nmaxmemory_policy:noeviction\r\n\r\n+PONG\r\n".utf8)
        }
        for _ in 0..<Int.random(in: 0...8, using: &random) { appendReply(&bytes, depth: 0, &random) }
        switch Int.random(in: 0..<4, using: &random) {
        case 0: break
        case 1:
            bytes = (0..<Int.random(in: 0...200, using: &random)).map { _ in UInt8.random(in: 0...255, using: &random) }
        default: damage(&bytes, &random)
        }
        return bytes
    }

    private static let words = [
        "READONLY no", "LOADING", "MOVED 1 h:1", "ERR \u{1B}[2J, with args beginning with: 'x'", "OOM", "",
    ]

    private func appendReply(_ bytes: inout [UInt8], depth: Int, _ random: inout SeededGenerator) {
        switch Int.random(in: 0..<10, using: &random) {
        case 0: bytes += Array("-\(Self.words.randomElement(using: &random) ?? "")\r\n".utf8)
        case 1: bytes += Array(":\(Int64.random(in: .min ... .max, using: &random))\r\n".utf8)
        case 2: bytes += Array("$-1\r\n".utf8)
        case 3: bytes += Array("*-1\r\n".utf8)
        case 4 where depth < 10, 5 where depth < 10:
            let count = Int.random(in: 0...4, using: &random)
            bytes += Array("*\(count)\r\n".utf8)
            for _ in 0..<count { appendReply(&bytes, depth: depth + 1, &random) }
        case 6:
            let announced = [-5, 0, 7, 5_000, Int.max, Int(UInt32.max)].randomElement(using: &random) ?? 0
            bytes += Array("\(["$", "*"].randomElement(using: &random) ?? "$")\(announced)\r\n".utf8)
        default:
            let count = Int.random(in: 0...60, using: &random)
            bytes +=
                Array("$\(count)\r\n".utf8) + Array(repeating: UInt8.random(in: 0...255, using: &random), count: count)
            bytes += [13, 10]
        }
    }

    private func damage(_ bytes: inout [UInt8], _ random: inout SeededGenerator) {
        for _ in 0..<Int.random(in: 0...4, using: &random) where !bytes.isEmpty {
            let position = Int.random(in: bytes.indices, using: &random)
            switch Int.random(in: 0..<4, using: &random) {
            case 0: bytes[position] = UInt8.random(in: 0...255, using: &random)
            case 1: bytes.insert(contentsOf: "9*$-:+\r\n".utf8.shuffled(using: &random).prefix(3), at: position)
            case 2: bytes.removeSubrange(position..<min(bytes.count, position + 3))
            default: bytes.removeSubrange(position...)
            }
        }
    }
}
