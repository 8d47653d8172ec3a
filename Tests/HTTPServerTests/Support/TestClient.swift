import NIOConcurrencyHelpers
import NIOCore
import NIOPosix

/// A client that sends and receives bytes over a real socket.
final class TestClient: Sendable {
    private let channel: any Channel
    private let inbox: Inbox

    private init(channel: any Channel, inbox: Inbox) {
        self.channel = channel
        self.inbox = inbox
    }

    static func connect(to address: SocketAddress, readsAtOnce: Bool = true) async throws -> TestClient {
        let inbox = Inbox()
        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelOption(.allowRemoteHalfClosure, value: true)
            .channelOption(.autoRead, value: readsAtOnce)
            .channelOption(.socketOption(.so_rcvbuf), value: 64 * 1024)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(InboxHandler(inbox: inbox))
                }
            }
            .connect(to: address)
            .get()
        return TestClient(channel: channel, inbox: inbox)
    }

    func send(_ text: String) async throws {
        try await self.channel.writeAndFlush(ByteBuffer(string: text))
    }

    /// Sends without minding whether the server still listens.
    func trySend(_ text: String) {
        self.channel.writeAndFlush(ByteBuffer(string: text), promise: nil)
    }

    /// Closes the sending side.
    func closeOutput() async throws {
        try await self.channel.close(mode: .output)
    }

    func close() async {
        try? await self.channel.close()
    }

    /// Reads from now on.
    func startReading() async throws {
        try await self.channel.setOption(.autoRead, value: true).get()
        self.channel.read()
    }

    /// Waits for so many whole responses.
    func responses(_ count: Int, to methods: String...) async throws -> [ReceivedResponse] {
        let bytes = try await self.inbox.wait { bytes, isClosed in
            ReceivedResponse.parse(bytes, methods: methods, isClosed: isClosed).responses.count >= count
        }
        return ReceivedResponse.parse(bytes, methods: methods, isClosed: true).responses
    }

    /// Waits for the end of a chunked response, and returns all that came.
    ///
    /// Cheap for a long one.
    func receiveToLastChunk() async throws -> [UInt8] {
        try await self.inbox.wait { bytes, _ in bytes.suffix(7).elementsEqual("\r\n0\r\n\r\n".utf8) }
    }

    /// Waits for the server to close, and returns all it has sent.
    func receiveAll() async throws -> [UInt8] {
        try await self.inbox.wait { _, isClosed in isClosed }
    }

    var received: [UInt8] { self.inbox.bytes }
    /// Whether the connection was reset instead of closed.
    var wasReset: Bool { self.inbox.wasReset }
}

/// What a client has received, and who waits for more.
private final class Inbox: Sendable {
    struct ClosedEarly: Error {}

    private struct State {
        var bytes: [UInt8] = []
        var isClosed = false
        var wasReset = false
        var waiters:
            [(isSatisfied: @Sendable ([UInt8], Bool) -> Bool, continuation: CheckedContinuation<[UInt8], any Error>)] =
                []
    }

    private let state = NIOLockedValueBox(State())

    var bytes: [UInt8] { self.state.withLockedValue(\.bytes) }
    var wasReset: Bool { self.state.withLockedValue(\.wasReset) }

    func wait(until isSatisfied: @escaping @Sendable ([UInt8], Bool) -> Bool) async throws -> [UInt8] {
        try await withCheckedThrowingContinuation { continuation in
            self.update { $0.waiters.append((isSatisfied, continuation)) }
        }
    }

    func append(_ bytes: ByteBuffer) {
        self.update { $0.bytes += Array(bytes.readableBytesView) }
    }

    func close(wasReset: Bool) {
        self.update { state in
            state.isClosed = true
            state.wasReset = state.wasReset || wasReset
        }
    }

    private func update(_ change: (inout State) -> Void) {
        let (done, failed, bytes) = self.state.withLockedValue { state in
            change(&state)
            let done = state.waiters.filter { $0.isSatisfied(state.bytes, state.isClosed) }
            let left = state.waiters.filter { !$0.isSatisfied(state.bytes, state.isClosed) }
            state.waiters = state.isClosed ? [] : left
            return (done, state.isClosed ? left : [], state.bytes)
        }
        for waiter in done { waiter.continuation.resume(returning: bytes) }
        for waiter in failed { waiter.continuation.resume(throwing: ClosedEarly()) }
    }
}

private final class InboxHandler: ChannelInboundHandler, Sendable {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let inbox: Inbox

    init(inbox: Inbox) {
        self.inbox = inbox
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        self.inbox.append(Self.unwrapInboundIn(data))
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if event as? ChannelEvent == .inputClosed { self.inbox.close(wasReset: false) }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        self.inbox.close(wasReset: true)
        context.close(promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) {
        self.inbox.close(wasReset: false)
    }
}
