import NIOCore
import NIOEmbedded
import Testing

@testable import HTTPServer

/// Frames in masses, as bytes: a connection that sends too many is closed, one that is merely busy is not.
@Suite struct HTTP2FloodTests {
    private enum Kind: UInt8 {
        case data = 0
        case headers = 1
        case priority = 2
        case settings = 4
        case ping = 6
        case continuation = 9
    }

    private func frame(_ kind: Kind, flags: UInt8 = 0, stream: UInt32 = 0, _ payload: [UInt8] = []) -> ByteBuffer {
        var buffer = ByteBuffer()
        buffer.writeInteger(UInt32(payload.count) << 8 | UInt32(kind.rawValue))
        buffer.writeInteger(flags)
        buffer.writeInteger(stream)
        buffer.writeBytes(payload)
        return buffer
    }

    private func send(_ frames: ByteBuffer..., count: Int = 1, to connection: EmbeddedHTTP2) throws {
        for _ in 0..<count {
            for frame in frames where connection.server.isActive {
                // The error that ends the connection is told by its end.
                _ = try? connection.server.writeInbound(frame)
            }
        }
        try connection.run()
    }

    @Test("SETTINGS, PING and PRIORITY: a thousand in ten seconds", arguments: [4, 6, 2])
    func control(number: UInt8) throws {
        let kind = try #require(Kind(rawValue: number))
        let connection = try EmbeddedHTTP2(handler: EchoHandler())
        let frame =
            switch kind {
            case .ping: frame(.ping, Array(repeating: 1, count: 8))
            case .priority: frame(.priority, stream: 1, [0, 0, 0, 0, 1])
            default: frame(.settings)
            }
        try send(frame, count: 900, to: connection)
        #expect(!connection.isClosed)
        try send(frame, count: 200, to: connection)
        #expect(connection.isClosed)
        #expect(connection.frames.value.last?.hasSuffix(" 11") == true, "ENHANCE_YOUR_CALM")
    }

    @Test("a header in six frames is one too many, in five it is not", arguments: [4, 5, 6])
    func continuation(count: Int) throws {
        let connection = try EmbeddedHTTP2(handler: EchoHandler())
        // :method GET, :scheme https, :path /, and nothing more until the end: host.
        try send(frame(.headers, flags: 1, stream: 1, [0x82, 0x87, 0x84]), to: connection)
        try send(frame(.continuation, stream: 1), count: count - 1, to: connection)
        #expect(!connection.isClosed)
        try send(frame(.continuation, flags: 4, stream: 1, [0x41, 1, 0x68]), to: connection)
        #expect(connection.isClosed == (count > 5))
    }

    @Test("parts without a byte: ten are, more are not")
    func emptyParts() throws {
        let connection = try EmbeddedHTTP2(handler: EchoHandler())
        try send(frame(.headers, flags: 4, stream: 1, [0x83, 0x87, 0x84, 0x41, 1, 0x68]), to: connection)
        try send(frame(.data, stream: 1), count: 10, to: connection)
        #expect(!connection.isClosed)
        try send(frame(.data, stream: 1), to: connection)
        #expect(connection.isClosed)
    }
}
