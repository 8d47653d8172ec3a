import NIOCore
import NIOPosix

#if canImport(Darwin)
import Darwin
#elseif canImport(Musl)
import Musl
#else
import Glibc
#endif

/// The C library's, which a method of the same name hides.
private let systemListen = listen

/// A listener at work.
struct HTTPBoundListener: Sendable {
    let channel: any Channel
    /// Nil for TCP.
    private let socketFile: HTTPSocketFile?

    /// Begins to listen.
    ///
    /// Throws ``HTTPServerError`` with the code ``HTTPServerError/Code/bindFailed``.
    static func bind(
        _ bootstrap: ServerBootstrap,
        _ address: HTTPListenerAddress,
        backlog: Int32
    ) async throws -> HTTPBoundListener {
        do {
            switch address {
            case .tcp(let host, let port):
                let channel = try await bootstrap.bind(host: host, port: port).get()
                return HTTPBoundListener(channel: channel, socketFile: nil)
            case .inherited(let descriptor):
                let channel = try await bootstrap.withBoundSocket(descriptor).get()
                try await Self.listen(channel, backlog: backlog)
                return HTTPBoundListener(channel: channel, socketFile: nil)
            case .unixSocket(let path):
                let (descriptor, file) = try HTTPSocketFile.make(path)
                do {
                    let channel = try await bootstrap.withBoundSocket(descriptor).get()
                    try await Self.listen(channel, backlog: backlog)
                    return HTTPBoundListener(channel: channel, socketFile: file)
                } catch {
                    file.remove()
                    throw error
                }
            }
        } catch let error as HTTPServerError {
            throw error
        } catch {
            throw HTTPServerError.bindFailed(address, cause: error)
        }
    }

    /// Listens again, with a queue of that length: NIO listens on a socket that it did not make with one of its own.
    private static func listen(_ channel: any Channel, backlog: Int32) async throws {
        try await channel.eventLoop.submit {
            _ = try channel.pipeline.syncOperations.withUnsafeTransportIfAvailable(of: NIOBSDSocket.Handle.self) {
                guard systemListen($0, backlog) == 0 else { throw IOError(errnoCode: errno, reason: "listen") }
            }
        }.get()
    }

    /// Lets somebody else take the socket's path, which is not possible as long as the file is there.
    func giveUpPath() {
        self.socketFile?.remove()
    }

    /// Stops listening; returns when nothing is accepted any more, and all who were are connections of these loops.
    func close(eventLoops: [any EventLoop]) async {
        self.giveUpPath()
        try? await self.channel.setOption(.autoRead, value: false).get()
        // A connection is set up on its own loop, handed to the listener's, and begins on its own. Were the listener
        // closed meanwhile, NIO would close the connection, too.
        for eventLoop in eventLoops + [self.channel.eventLoop] + eventLoops {
            try? await eventLoop.submit {}.get()
        }
        self.channel.close(promise: nil)
        try? await self.channel.closeFuture.get()
    }
}
