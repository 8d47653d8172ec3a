import NIOConcurrencyHelpers
import NIOCore
import NIOHPACK
import NIOHTTP2

/// What a client sees of one stream, and what it sends.
final class HTTP2Exchange: ChannelInboundHandler, Sendable {
    typealias InboundIn = HTTP2Frame.FramePayload
    typealias OutboundOut = HTTP2Frame.FramePayload

    struct State {
        var heads: [HPACKHeaders] = []
        var body: [UInt8] = []
        var isEnded = false
        var isClosed = false
        var resetReason: HTTP2ErrorCode?
        var error: (any Error)?
        var waiters: [(isSatisfied: @Sendable (State) -> Bool, continuation: CheckedContinuation<Void, Never>)] = []
    }

    private let state = NIOLockedValueBox(State())

    var current: State { self.state.withLockedValue { $0 } }
    /// The last status.
    var status: Int? { self.current.heads.last?.first(name: ":status").flatMap { Int($0) } }
    var statuses: [String] { self.current.heads.compactMap { $0.first(name: ":status") } }
    var text: String { String(decoding: self.current.body, as: UTF8.self) }
    func field(_ name: String) -> String? { self.current.heads.last?.first(name: name) }

    /// Waits for a state, or for the end of the stream.
    func wait(until isSatisfied: @escaping @Sendable (State) -> Bool) async {
        await withCheckedContinuation { continuation in
            self.update { $0.waiters.append((isSatisfied, continuation)) }
        }
    }

    /// Waits for the whole answer.
    func waitForEnd() async {
        await self.wait { $0.isEnded }
    }

    private func update(_ change: (inout State) -> Void) {
        let done = self.state.withLockedValue { state in
            change(&state)
            let seen = state
            let done = state.waiters.filter { seen.isClosed || $0.isSatisfied(seen) }
            state.waiters.removeAll { seen.isClosed || $0.isSatisfied(seen) }
            return done
        }
        for waiter in done { waiter.continuation.resume() }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch Self.unwrapInboundIn(data) {
        case .headers(let headers):
            self.update { state in
                state.heads.append(headers.headers)
                if headers.endStream { state.isEnded = true }
            }
        case .data(let data):
            self.update { state in
                if case .byteBuffer(let bytes) = data.data { state.body += bytes.readableBytesView }
                if data.endStream { state.isEnded = true }
            }
        case .rstStream(let reason):
            self.update { $0.resetReason = reason }
        default:
            break
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        self.update { state in
            state.error = error
            if let closed = error as? NIOHTTP2Errors.StreamClosed { state.resetReason = closed.errorCode }
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        self.update { $0.isClosed = true }
    }
}

/// The head of a request.
func http2Request(_ method: String, _ path: String, _ more: [(String, String)] = []) -> HPACKHeaders {
    HPACKHeaders([(":method", method), (":scheme", "https"), (":path", path), (":authority", "localhost")] + more)
}

extension Channel {
    /// Sends a head.
    func send(_ headers: HPACKHeaders, endsStream: Bool) {
        self.writeAndFlush(
            HTTP2Frame.FramePayload.headers(.init(headers: headers, endStream: endsStream)),
            promise: nil
        )
    }

    /// Sends a part of a body.
    func send(_ text: String, endsStream: Bool) {
        self.send(ByteBuffer(string: text), endsStream: endsStream)
    }

    func send(_ bytes: ByteBuffer, endsStream: Bool) {
        let data = HTTP2Frame.FramePayload.Data(data: .byteBuffer(bytes), endStream: endsStream)
        self.writeAndFlush(HTTP2Frame.FramePayload.data(data), promise: nil)
    }

    func reset(_ reason: HTTP2ErrorCode) {
        self.writeAndFlush(HTTP2Frame.FramePayload.rstStream(reason), promise: nil)
    }
}
