import CZlib

/// Undoes gzip or zlib piece by piece, into memory that the caller lends.
///
/// ```swift
/// var inflater = try Inflater(.gzip)
/// let step = inflater.inflate(input, into: output)   // step.readByteCount, step.writtenByteCount, step.state
/// ```
///
/// Nothing is kept between two calls but zlib's window of 32 KiB; how much may come out is the caller's to bound.
public struct Inflater: ~Copyable {
    /// What one call did.
    public struct Step: Sendable {
        /// The bytes taken from the input.
        public let readByteCount: Int
        /// The bytes put into the output.
        public let writtenByteCount: Int
        /// Where it stands now.
        public let state: State
    }

    /// How far the text is.
    public enum State: Sendable {
        /// There is more to come, or more room is needed.
        case underWay
        /// The text's end was reached, and its checksum is right.
        case ended
        /// Nothing could be done: the input is used up before the end, or there is no room.
        case stalled
        /// The bytes are not what they claim to be.
        case damaged
    }

    private let stream: ZlibStream

    /// An inflater for one text of that format.
    ///
    /// - Throws: ``CompressionError`` if there is no memory.
    public init(_ format: CompressionFormat) throws(CompressionError) {
        stream = ZlibStream(end: inflateEnd)
        let code = inflateInit2_(stream.pointer, format.windowBits, ZLIB_VERSION, ZlibStream.byteCount)
        guard code == Z_OK else { throw CompressionError(code) }
    }

    /// Takes what it can from the input and puts what comes out of it into the output.
    public mutating func inflate(
        _ input: UnsafeRawBufferPointer,
        into output: UnsafeMutableRawBufferPointer
    ) -> Step {
        let run = stream.run(input, output) { CZlib.inflate($0, Z_NO_FLUSH) }
        let state: State =
            switch run.code {
            case Z_OK: .underWay
            case Z_STREAM_END: .ended
            case Z_BUF_ERROR: .stalled
            default: .damaged
            }
        return Step(readByteCount: run.readByteCount, writtenByteCount: run.writtenByteCount, state: state)
    }

    /// Begins with another text of the same format, such as the next member of a gzip file.
    ///
    /// - Throws: ``CompressionError`` if that cannot be done.
    public mutating func reset() throws(CompressionError) {
        let code = inflateReset(stream.pointer)
        guard code == Z_OK else { throw CompressionError(code) }
    }
}
