/// One answer of Redis (RESP2).
///
/// For example, `XLEN` answers `.integer(3)` and `XADD` answers `.bulk` with the new entry's id.
public enum RedisReply: Sendable, Hashable {
    /// A short text such as `OK` or `PONG`.
    case status(String)
    /// A whole number.
    case integer(Int64)
    /// Bytes, usually text.
    case bulk([UInt8])
    /// No value: the key or entry does not exist.
    case null
    /// Several answers in one.
    case array([RedisReply])
    /// Redis refused the command. The text is made safe for logs: control characters are escaped, it is cut at
    /// 256 bytes, and arguments that Redis repeats are removed.
    case error(String)

    /// The text of a status or bulk reply, invalid UTF-8 replaced; nil for the other kinds.
    public var text: String? {
        switch self {
        case .status(let text): text
        case .bulk(let bytes): String(decoding: bytes, as: UTF8.self)
        case .integer, .null, .array, .error: nil
        }
    }
}
