import NIOCore

/// Looks at the frames on their way out: how many bytes they are, and whether NIO gives the connection up.
///
/// NIO tells errors of a stream and errors of the connection by the same event. After one of the connection it has sent
/// a GOAWAY that names it.
final class HTTP2OutputWatch: ChannelOutboundHandler {
    typealias OutboundIn = IOData
    typealias OutboundOut = IOData

    private static let headByteCount = 9
    private static let goAway: UInt8 = 7

    private unowned let connection: HTTP2Connection
    /// What is still to come of the payload of a frame that has begun.
    private var missingByteCount = 0

    init(connection: HTTP2Connection) {
        self.connection = connection
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        if case .byteBuffer(let bytes) = Self.unwrapOutboundIn(data) {
            self.connection.writes.writtenByteCount += bytes.readableBytes
            self.look(at: bytes)
        }
        context.write(data, promise: promise)
    }

    private func look(at bytes: ByteBuffer) {
        var rest = bytes
        while rest.readableBytes > 0 {
            let skipped = min(self.missingByteCount, rest.readableBytes)
            rest.moveReaderIndex(forwardBy: skipped)
            self.missingByteCount -= skipped
            guard let lengthAndType = rest.getInteger(at: rest.readerIndex, as: UInt32.self),
                rest.readableBytes >= Self.headByteCount
            else { return }
            // A stream's number, and then why.
            let reason = rest.getInteger(at: rest.readerIndex + Self.headByteCount + 4, as: UInt32.self)
            let type = UInt8(truncatingIfNeeded: lengthAndType)
            if type == Self.goAway, let reason, reason != 0 { self.connection.isFailed = true }
            rest.moveReaderIndex(forwardBy: Self.headByteCount)
            self.missingByteCount = Int(lengthAndType >> 8)
        }
    }
}
