import Testing

@testable import DurableLog

@Suite("Frames and checksums")
struct FrameTests {
    @Test("CRC-32C gives the known values, by the instruction and by table")
    func checksums() {
        let known: [([UInt8], UInt32)] = [
            (Array("123456789".utf8), 0xE306_9283), ([UInt8](repeating: 0, count: 32), 0x8A91_36AA),
            ([UInt8](repeating: 0xFF, count: 32), 0x62A8_AB43), (Array(0..<32), 0x46DD_794E),
            ((0..<32).reversed(), 0x113F_DB5C), ([], 0),
        ]
        for (bytes, expected) in known {
            bytes.withUnsafeBytes { buffer in
                #expect(Checksum.crc32c(buffer) == expected)
                #expect(Checksum.byTable(buffer) == expected)
            }
        }
        var random = SeededGenerator(seed: 3)
        for count in 0..<200 {
            let bytes = (0..<count).map { _ in UInt8.random(in: .min ... .max, using: &random) }
            bytes.withUnsafeBytes { buffer in
                #expect(Checksum.crc32c(buffer) == Checksum.byTable(buffer))
                let split = count / 3
                let first = Checksum.crc32c(UnsafeRawBufferPointer(rebasing: buffer[..<split]))
                let rest = UnsafeRawBufferPointer(rebasing: buffer[split...])
                #expect(Checksum.crc32c(rest, continuing: first) == Checksum.crc32c(buffer))
            }
        }
    }

    private static let definition = StreamDefinition(
        id: 5,
        name: "näme",
        contentType: "a/b",
        isMessageList: true,
        expiry: .afterIdle(seconds: 9),
        createdMilliseconds: 77,
        parent: 3,
        parentName: "p",
        subOffset: 2,
        base: 40
    )

    static let operations: [StoreOperation] = [
        .append(
            AppendOperation(
                stream: 5,
                start: 40,
                byteCount: 7,
                messageCount: 2,
                closes: true,
                milliseconds: 77,
                producer: ProducerTuple(id: "p\u{0}", epoch: 1, sequence: 2),
                sequence: "s",
                keys: MessageKeys([MessageKey(high: 1, low: 2), MessageKey(high: 3, low: 4)], maximumCount: 5)
            )
        ),
        .append(
            AppendOperation(stream: 5, start: 0, byteCount: 7, messageCount: 2, closes: false, milliseconds: 77)
        ),
        .create(
            CreateOperation(
                definition: definition,
                retention: RetentionPolicy(maximumMessageCount: 4, cursors: .releasesRead),
                byteCount: 7,
                messageCount: 2,
                isClosed: true
            )
        ),
        .delete(stream: 5), .touch(stream: 5, milliseconds: 77),
        .trim(stream: 5, position: 9, messageCount: 1), .cursor(stream: 5, name: "c", position: 3),
        .cursor(stream: 5, name: "c", position: nil),
        .retention(stream: 5, RetentionPolicy(maximumAgeMilliseconds: 1, maximumByteCount: 2)),
    ]

    private func encoded(_ operation: StoreOperation) -> [UInt8] {
        let buffer = FrameBuffer(capacity: 16)
        let bytes = Array("onefour".utf8)
        _ = bytes.withUnsafeBytes { bytes in
            operation.encode(
                FrameMessages(bytes: bytes, byteCounts: [3, 4], kept: nil),
                into: buffer,
                groupStart: 4096,
                groupNumber: 8,
                milliseconds: 77
            )
        }
        return Array(buffer.bytes)
    }

    @Test("say what they were made of", arguments: operations)
    func roundTrip(_ operation: StoreOperation) throws {
        let bytes = encoded(operation)
        try bytes.withUnsafeBytes { buffer in
            let frame = try #require(FrameView(checking: buffer))
            #expect(try frame.operation() == operation)
            #expect(frame.header.logPosition == 4096 && frame.header.groupNumber == 8)
            #expect(buffer.count % 8 == 0)
        }
    }

    @Test("are refused with any bit changed, and cut anywhere", arguments: operations)
    func damaged(_ operation: StoreOperation) {
        let bytes = encoded(operation)
        let length = Int(bytes.withUnsafeBytes { FrameHeader($0)?.length } ?? 0)
        for bit in 0..<length * 8 {
            var changed = bytes
            changed[bit / 8] ^= 1 << (bit % 8)
            #expect(changed.withUnsafeBytes { FrameView(checking: $0) } == nil, "bit \(bit)")
        }
        for count in 0..<length {
            #expect(Array(bytes[..<count]).withUnsafeBytes { FrameView(checking: $0) } == nil)
        }
    }

    @Test("a stream's state comes back from its record")
    func states() throws {
        var state = StoreState()
        for operation in Self.operations where operation.stream == 5 {
            if case .create = operation { _ = state.apply(operation) }
        }
        for operation in Self.operations {
            if case .create = operation { continue }
            if case .delete = operation { continue }
            if case .append(let append) = operation, append.start == 0 { continue }
            _ = state.apply(operation)
        }
        let before = try #require(state.state(of: 5))
        let after = try before.encoded().withUnsafeBytes { bytes in
            var reader = ByteReader(bytes)
            return try StreamState(from: &reader)
        }
        #expect(after == before)
        #expect(before.producers.count == 1 && before.keyCount == 2)
    }
}
