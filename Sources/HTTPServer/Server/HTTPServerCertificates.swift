import Dispatch
import Logging
import NIOCore
import NIOSSL
import Synchronization

#if canImport(Darwin)
import Darwin
#elseif canImport(Musl)
import Musl
#else
import Glibc
#endif

/// The certificates of a listener, read again when their files have changed.
///
/// Files are touched on a queue of their own, never on an event loop.
final class HTTPServerCertificates: Sendable {
    private struct State {
        var context: NIOSSLContext
        var marks: [HTTPFileMark]
        var checked: NIODeadline
    }

    private let tls: HTTPServerTLS
    private let logger: Logger
    private let queue = DispatchQueue(label: "collectord.http.certificates")
    private let state: Mutex<State>

    /// Reads the files. Blocks.
    ///
    /// Throws ``HTTPServerError/certificateUnusable(path:reason:)``.
    private init(_ tls: HTTPServerTLS, logger: Logger) throws {
        self.tls = tls
        self.logger = logger
        let marks = tls.paths.map(HTTPFileMark.init)
        state = Mutex(State(context: try Self.load(tls), marks: marks, checked: .now()))
    }

    /// Reads the files without blocking the caller.
    ///
    /// Throws ``HTTPServerError/certificateUnusable(path:reason:)``.
    static func read(_ tls: HTTPServerTLS, logger: Logger) async throws -> HTTPServerCertificates {
        try await withCheckedThrowingContinuation { continuation in
            DispatchQueue(label: "collectord.http.certificates").async {
                continuation.resume(with: Result { try HTTPServerCertificates(tls, logger: logger) })
            }
        }
    }

    /// The context for a new connection.
    func context(on eventLoop: any EventLoop) -> EventLoopFuture<NIOSSLContext> {
        let patience = TimeAmount.milliseconds(Int64(tls.recheckMilliseconds))
        let current = state.withLock { state -> NIOSSLContext? in
            guard NIODeadline.now() - state.checked >= patience else { return state.context }
            state.checked = .now()
            return nil
        }
        if let current { return eventLoop.makeSucceededFuture(current) }
        let promise = eventLoop.makePromise(of: NIOSSLContext.self)
        queue.async { promise.succeed(self.refreshed()) }
        return promise.futureResult
    }

    /// The context of the files as they are now; the one before if they cannot be used.
    private func refreshed() -> NIOSSLContext {
        let marks = tls.paths.map(HTTPFileMark.init)
        let (context, isSame) = state.withLock { ($0.context, $0.marks == marks) }
        if isSame { return context }
        do {
            let renewed = try Self.load(tls)
            state.withLock { state in
                state.context = renewed
                state.marks = marks
            }
            logger.notice("certificates read again", metadata: ["file": "\(tls.certificatePath)"])
            return renewed
        } catch {
            // Looked at again later: certificate and key may not have changed at the same moment.
            logger.error("changed certificates cannot be used; the former are", metadata: ["error": "\(error)"])
            return context
        }
    }

    private static func load(_ tls: HTTPServerTLS) throws -> NIOSSLContext {
        let chain = try reading(tls.certificatePath, "a certificate") { path in
            let chain = try NIOSSLCertificate.fromPEMFile(path)
            return chain.isEmpty ? nil : chain
        }
        let key = try reading(tls.keyPath, "a private key without a passphrase") { path in
            try NIOSSLPrivateKey(file: path, format: .pem)
        }
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: chain.map { .certificate($0) },
            privateKey: .privateKey(key)
        )
        configuration.minimumTLSVersion = .tlsv12
        configuration.applicationProtocols = tls.offersHTTP2 ? ["h2", "http/1.1"] : ["http/1.1"]
        if let path = tls.clientAuthoritiesPath {
            let authorities = try reading(path, "a certificate") { path in
                let authorities = try NIOSSLCertificate.fromPEMFile(path)
                return authorities.isEmpty ? nil : authorities
            }
            configuration.trustRoots = .certificates(authorities)
            // A client's certificate names no host that could be looked at.
            configuration.certificateVerification = .noHostnameVerification
        }
        do {
            return try NIOSSLContext(configuration: configuration)
        } catch {
            throw HTTPServerError.certificateUnusable(
                path: tls.keyPath,
                reason: "it is not the key of \(tls.certificatePath)"
            )
        }
    }

    private static func reading<Value>(
        _ path: String,
        _ what: String,
        _ read: (String) throws -> Value?
    ) throws -> Value {
        guard let value = try? read(path) else {
            let reason = access(path, R_OK) == 0 ? "it holds no \(what.dropFirst(2))" : "it cannot be read"
            throw HTTPServerError.certificateUnusable(path: path, reason: reason)
        }
        return value
    }
}
