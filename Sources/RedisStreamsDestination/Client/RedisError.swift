/// Why something about Redis failed, as a code to act on and a sentence to read.
///
/// The message names the setting or the limit and the remedy. It never holds a password, an event or any other
/// argument of a command.
public struct RedisError: Error, Sendable, Hashable {
    /// What kind of failure it is.
    ///
    /// New codes may be added.
    public struct Code: Sendable, Hashable, CustomStringConvertible {
        private enum Kind: String {
            case certificateRefused
            case closed
            case commandTooLarge
            case connectionFailed
            case errorReply
            case handshakeRefused
            case invalidConfiguration
            case protocolViolation
            case threadFailed
            case timedOut
            case tooManyPending
            case unsupported
        }

        private let kind: Kind

        /// The server's certificate is not valid here, or the server wants another one of the client.
        public static let certificateRefused = Code(kind: .certificateRefused)
        /// The client was closed, or is closing, and takes no more commands.
        public static let closed = Code(kind: .closed)
        /// An argument is longer than Redis accepts (512 MiB).
        public static let commandTooLarge = Code(kind: .commandTooLarge)
        /// The connection could not be made, or it broke.
        public static let connectionFailed = Code(kind: .connectionFailed)
        /// Redis answered a command with an error.
        public static let errorReply = Code(kind: .errorReply)
        /// Redis refused the user name, the password or the database.
        public static let handshakeRefused = Code(kind: .handshakeRefused)
        /// A setting has a wrong value.
        public static let invalidConfiguration = Code(kind: .invalidConfiguration)
        /// The other side sent something that is not an answer to what was asked.
        public static let protocolViolation = Code(kind: .protocolViolation)
        /// The operating system gave no thread or no descriptor to run the client.
        public static let threadFailed = Code(kind: .threadFailed)
        /// No reply came within the time allowed.
        ///
        /// Whether Redis executed the command is unknown.
        public static let timedOut = Code(kind: .timedOut)
        /// Too many bytes or commands wait for Redis already.
        public static let tooManyPending = Code(kind: .tooManyPending)
        /// The configuration asks for something that this version cannot do.
        public static let unsupported = Code(kind: .unsupported)

        /// The code's name, for example `timedOut`.
        public var description: String { kind.rawValue }
    }

    /// What kind of failure it is.
    public let code: Code

    /// What failed and what to do about it, in one sentence or two.
    public let message: String

    init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }
}

extension RedisError {
    /// True when only a change of settings, users or certificates helps.
    var needsConfiguration: Bool {
        code == .handshakeRefused || code == .certificateRefused || code == .invalidConfiguration
    }
}

extension RedisError: CustomStringConvertible {
    /// The message.
    public var description: String { message }
}
