import Dispatch
import Foundation
import Glibc
import NIOCore
import NIOPosix
import NIOSSL
import Synchronization
import Testing

/// A server that answers each request with bytes of the test's choice, over TLS if it has an identity.
final class RawService: Sendable {
    /// What is done once a request is there.
    enum Answer: Sendable {
        /// Sends the text, then closes.
        case lastWords(String)
        /// Sends the text.
        case words(String)
    }

    static let ok = Answer.words("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

    let port: Int
    private let channel: any Channel
    private let requests = Requests()

    /// Listens on a free port; the closure gets each request's number and text.
    init(
        tls: TLSConfiguration? = nil,
        host: String = "127.0.0.1",
        _ answer: @escaping @Sendable (Int) -> Answer = { _ in RawService.ok }
    ) async throws {
        let context = try tls.map { try NIOSSLContext(configuration: $0) }
        let requests = requests
        channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    if let context {
                        try channel.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: context))
                    }
                    try channel.pipeline.syncOperations.addHandler(Handler(requests, answer))
                }
            }
            .bind(host: host, port: 0).get()
        port = channel.localAddress?.port ?? 0
    }

    /// The requests so far, as they came.
    var received: [String] { requests.texts.withLock { $0 } }

    func stop() async throws {
        try await channel.close()
    }

    private final class Requests: Sendable {
        let texts = Mutex<[String]>([])
    }

    /// Takes what has come so far for a request once its head and so many bytes as it announces are there.
    private final class Handler: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer

        private let requests: Requests
        private let answer: @Sendable (Int) -> Answer
        private var text = ""

        init(_ requests: Requests, _ answer: @escaping @Sendable (Int) -> Answer) {
            self.requests = requests
            self.answer = answer
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            text += String(buffer: unwrapInboundIn(data))
            guard let end = text.range(of: "\r\n\r\n") else { return }
            let lines = text[..<end.lowerBound].lowercased().split(separator: "\r\n")
            let length = lines.first { $0.hasPrefix("content-length:") }.flatMap { Int($0.dropFirst(16)) } ?? 0
            guard text[end.upperBound...].utf8.count >= length else { return }
            let number = requests.texts.withLock { texts in
                texts.append(text)
                return texts.count - 1
            }
            text = ""
            switch answer(number) {
            case .words(let words):
                context.writeAndFlush(NIOAny(ByteBuffer(string: words)), promise: nil)
            case .lastWords(let words):
                context.writeAndFlush(NIOAny(ByteBuffer(string: words)), promise: nil)
                context.close(promise: nil)
            }
        }

        func errorCaught(context: ChannelHandlerContext, error: any Error) {
            context.close(promise: nil)
        }
    }
}

/// Blocks a thread until the test lets it go.
final class BlockingGate: Sendable {
    private let semaphore = DispatchSemaphore(value: 0)
    private let entries = AsyncStream<Void>.makeStream()

    /// Says that somebody came, and blocks.
    func wait() {
        entries.continuation.yield()
        semaphore.wait()
    }

    /// Waits until somebody blocks.
    func entered() async {
        for await _ in entries.stream { return }
    }

    /// Lets one go.
    func open() {
        semaphore.signal()
    }
}

/// A port that is taken and refuses connections.
///
/// A server that was stopped will not do: processes that other tests start meanwhile may have inherited its socket, and
/// then it still takes connections.
struct ReservedPort {
    let number: Int
    private let descriptor: Int32

    init(host: String) throws {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        inet_pton(AF_INET, host, &address.sin_addr)
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isBound = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, size) == 0 && getsockname(descriptor, $0, &size) == 0
            }
        }
        self.descriptor = descriptor
        number = Int(UInt16(bigEndian: address.sin_port))
        try #require(isBound)
    }

    func release() {
        close(descriptor)
    }
}
