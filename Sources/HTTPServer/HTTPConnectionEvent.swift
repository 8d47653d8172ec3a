/// What happens to a connection while its request is being answered.
///
/// Long polls and event streams listen for it, with ``HTTPResponder/onConnectionEvent(_:)`` or
/// ``HTTPResponseStream/onConnectionEvent(_:)``, so that they hold nothing for a client that left.
public enum HTTPConnectionEvent: Sendable, Hashable {
    /// The client will send nothing more. It is usually gone, but it may still read: an answer can be sent, and a long
    /// poll does well to send its empty one now.
    case inputClosed

    /// The server is shutting down. The answer can still be sent; streams should end.
    case draining

    /// The connection is closed. Nothing can be sent. It is the last event.
    case closed
}
