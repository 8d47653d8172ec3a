import NIOCore

/// Stands before the decoder and lets bytes through only while the connection can use them.
///
/// NIO's decoder decodes all it is given. A client that sends thousands of requests without waiting for an answer
/// would fill the memory with decoded requests. Held back here they stay what they are on the wire, and no more is
/// read from the socket until they are used up. One read is 64 KiB at most; only when the client has closed its side
/// does NIO read on, and then what the kernel had room for is all there is.
final class HTTPInputGate: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer

    /// What the decoder gets at once at most, unless all of it is body: some hundred of the smallest requests.
    static let sliceByteCount = 8 * 1024

    private let connection: HTTPConnection
    private var context: ChannelHandlerContext?
    private var held = ByteBuffer()
    private var heldInputClosed = false
    private var slice = ByteBuffer()
    private var sawLineEnd = false

    init(connection: HTTPConnection) {
        self.connection = connection
        connection.gate = self
    }

    /// Whether bytes, or the end of them, wait here.
    var isEmpty: Bool { self.held.readableBytes == 0 && !self.heldInputClosed }

    /// Whether the request line of the head that is being decoded has come to its end.
    var sawRequestLine: Bool { self.sawLineEnd || self.slice.readableBytesView.contains(UInt8(ascii: "\n")) }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
        self.held = ByteBuffer()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var bytes = Self.unwrapInboundIn(data)
        if self.held.readableBytes == 0 {
            self.held = bytes
        } else {
            self.held.writeBuffer(&bytes)
        }
        self.connection.readBegan()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard let event = event as? ChannelEvent, event == .inputClosed else {
            context.fireUserInboundEventTriggered(event)
            return
        }
        self.heldInputClosed = true
        self.connection.inputClosed()
    }

    /// Gives the decoder the next bytes.
    ///
    /// Returns false when there were none.
    ///
    /// `isHeadPending` says afterwards whether the bytes were the beginning of a head and nothing else.
    func feed(expectedBodyByteCount: Int, isHeadPending: () -> Bool) -> Bool {
        guard let context = self.context else { return false }
        let byteCount = min(self.held.readableBytes, max(Self.sliceByteCount, expectedBodyByteCount))
        if byteCount == 0 {
            guard self.heldInputClosed else { return false }
            self.heldInputClosed = false
            context.fireUserInboundEventTriggered(ChannelEvent.inputClosed)
            return true
        }
        if byteCount == self.held.readableBytes {
            swap(&self.slice, &self.held)
        } else if let slice = self.held.readSlice(length: byteCount) {
            self.slice = slice
        }
        context.fireChannelRead(Self.wrapInboundOut(self.slice))
        self.sawLineEnd = isHeadPending() && self.sawRequestLine
        self.slice = ByteBuffer()
        return true
    }

    /// Drops what is held.
    func discard() {
        self.held = ByteBuffer()
    }
}
