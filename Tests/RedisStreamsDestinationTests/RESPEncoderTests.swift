import Testing

@testable import RedisStreamsDestination

@Suite("RESP encoder")
struct RESPEncoderTests {
    @Test("arguments are written with their exact lengths, whatever they hold")
    func arguments() {
        let cases: [([String], String)] = [
            (["PING"], "*1\r\n$4\r\nPING\r\n"),
            (["SET", "a", ""], "*3\r\n$3\r\nSET\r\n$1\r\na\r\n$0\r\n\r\n"),
            (["X", "a\r\nb"], "*2\r\n$1\r\nX\r\n$4\r\na\r\nb\r\n"),
            (["X", "a\0b"], "*2\r\n$1\r\nX\r\n$3\r\na\0b\r\n"),
            (["X", "%s%n%b"], "*2\r\n$1\r\nX\r\n$6\r\n%s%n%b\r\n"),
            (["X", "*1\r\n$8\r\nFLUSHALL\r\n"], "*2\r\n$1\r\nX\r\n$18\r\n*1\r\n$8\r\nFLUSHALL\r\n\r\n"),
            (["X", "\u{FC}\u{20AC}\u{1F600}"], "*2\r\n$1\r\nX\r\n$9\r\n\u{FC}\u{20AC}\u{1F600}\r\n"),
        ]
        for (arguments, expected) in cases {
            var encoder = RESPEncoder()
            encoder.command(arguments)
            #expect(encoder.bytes == Array(expected.utf8))
            #expect(encoder.commandLengths == [expected.utf8.count])
        }
    }

    @Test("bytes that are not UTF-8 stay as they are")
    func binary() {
        var encoder = RESPEncoder()
        encoder.beginCommand(argumentCount: 1)
        encoder.argument([0xFF, 0x00, 0x80])
        encoder.endCommand()
        #expect(encoder.bytes == Array("*1\r\n$3\r\n".utf8) + [0xFF, 0x00, 0x80, 13, 10])
    }

    @Test("lengths of any size are decimal", arguments: [0, 9, 10, 99, 100, 12_345, 1_000_000])
    func lengths(_ length: Int) {
        var encoder = RESPEncoder()
        encoder.beginCommand(argumentCount: 1)
        encoder.argument([UInt8](repeating: 7, count: length))
        encoder.endCommand()
        let head = Array("*1\r\n$\(length)\r\n".utf8)
        #expect(Array(encoder.bytes.prefix(head.count)) == head)
        #expect(encoder.bytes.count == head.count + length + 2)
    }

    @Test("several commands follow one another and can be taken back")
    func severalCommands() {
        var encoder = RESPEncoder()
        encoder.command(["A"])
        encoder.command(["B", "c"])
        #expect(encoder.commandLengths == [11, 18])
        encoder.truncate(byteCount: 11, commandCount: 1)
        #expect(encoder.bytes == Array("*1\r\n$1\r\nA\r\n".utf8))
        #expect(encoder.commandLengths == [11])
    }

    @Test("an argument that Redis would refuse is noticed")
    func oversized() {
        var encoder = RESPEncoder()
        encoder.beginCommand(argumentCount: 1)
        // Only the length is looked at: the address is never read.
        encoder.argument(
            UnsafeRawBufferPointer(start: UnsafeRawPointer(bitPattern: 64), count: RESPEncoder.maximumArgumentBytes + 1)
        )
        #expect(encoder.hasOversizedArgument)
        #expect(encoder.bytes.count < 100)
    }
}
