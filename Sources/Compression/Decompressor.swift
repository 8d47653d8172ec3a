/// Undoes a compression piece by piece, into memory that the caller lends. How much may come out is the caller's to bound.
///
/// ```swift
/// var decompressor = try Inflater(.gzip)
/// let step = decompressor.decompress(input, into: output)   // step.readByteCount, step.writtenByteCount, step.state
/// ```
public protocol Decompressor: ~Copyable {
    /// Takes what it can from the input and puts what comes out of it into the output.
    mutating func decompress(
        _ input: UnsafeRawBufferPointer,
        into output: UnsafeMutableRawBufferPointer
    ) -> DecompressionStep

    /// Begins with another text of the same format that follows the one that ended, such as the next member of a gzip
    /// file; false where nothing may follow.
    mutating func beginNext() -> Bool
}

/// What one call of a ``Decompressor`` did.
public struct DecompressionStep: Sendable {
    /// How far the text is.
    public enum State: Sendable {
        /// There is more to come, or more room is needed.
        case underWay
        /// The text's end was reached, and its checksum is right.
        case ended
        /// Nothing could be done: the input is used up before the end, or there is no room.
        case stalled
        /// The bytes are not what they claim to be, or ask for more memory than is given.
        case damaged
    }

    /// The bytes taken from the input.
    public let readByteCount: Int
    /// The bytes put into the output.
    public let writtenByteCount: Int
    /// Where it stands now.
    public let state: State
}
