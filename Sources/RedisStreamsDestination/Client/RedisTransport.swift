/// Bytes to and from the other side: a socket, or TLS over it.
///
/// A transport is made, used and freed on the client's thread only. It never blocks.
protocol RedisTransport: AnyObject {
    /// The socket, to poll.
    var descriptor: Int32 { get }
    /// True when the socket must become writable before the transport can go on.
    var wantsWrite: Bool { get }

    /// Goes on with opening after the socket became readable or writable.
    ///
    /// True: open, commands may be written. False: poll and call it again.
    func open() throws(RedisError) -> Bool

    /// Writes as much as is taken now.
    func write(_ bytes: UnsafeRawBufferPointer) -> RedisTransfer

    /// Writes what was taken before and has not left yet; nil when nothing went wrong.
    func flush() -> RedisError?

    /// Reads what is there now.
    ///
    /// When it returns fewer bytes than the buffer has room for, the socket holds all that is left.
    func read(into buffer: UnsafeMutableRawBufferPointer) -> RedisTransfer
}

/// What reading or writing did.
enum RedisTransfer: Equatable {
    /// This many bytes, at least one.
    case bytes(Int)
    /// None now: poll.
    case wouldBlock
    /// The connection is of no use any more.
    case failed(RedisError)
}
