/// Why a server could not start.
public struct HTTPServerError: Error, CustomStringConvertible {
    /// The kinds of failures.
    public struct Code: Sendable, Hashable {
        private enum Kind: Hashable {
            case noListener
            case bindFailed
            case alreadyStarted
            case certificateUnusable
        }

        private let kind: Kind

        /// The configuration names no listener.
        public static let noListener = Code(kind: .noListener)
        /// An address could not be listened on.
        public static let bindFailed = Code(kind: .bindFailed)
        /// The server was started before.
        ///
        /// A server starts once.
        public static let alreadyStarted = Code(kind: .alreadyStarted)
        /// A file of ``HTTPServerTLS`` cannot be used.
        public static let certificateUnusable = Code(kind: .certificateUnusable)
    }

    /// The kind of failure.
    public let code: Code

    /// What failed and what to do about it.
    public let message: String

    /// The error beneath, where there is one.
    public let cause: (any Error)?

    /// The message, and the error beneath where there is one.
    public var description: String {
        guard let cause = self.cause else { return self.message }
        return "\(self.message) (\(cause))"
    }

    static let noListener = HTTPServerError(
        code: .noListener,
        message: "The HTTP server has no listener. Give it at least one address.",
        cause: nil
    )

    static let alreadyStarted = HTTPServerError(
        code: .alreadyStarted,
        message: "The HTTP server was started before. Create a new one to start again.",
        cause: nil
    )

    static func bindFailed(_ listener: HTTPListenerAddress, cause: any Error) -> HTTPServerError {
        HTTPServerError(
            code: .bindFailed,
            message: "Cannot listen on \(listener). Is another process using it, or is a permission missing?",
            cause: cause
        )
    }

    static func socketFileUnusable(_ listener: HTTPListenerAddress, reason: String) -> HTTPServerError {
        HTTPServerError(code: .bindFailed, message: "Cannot listen on \(listener): \(reason).", cause: nil)
    }

    static func certificateUnusable(path: String, reason: String) -> HTTPServerError {
        HTTPServerError(
            code: .certificateUnusable,
            message: "The TLS file \(path) cannot be used: \(reason).",
            cause: nil
        )
    }
}
