import CZlib

/// Compresses as gzip or zlib piece by piece, into memory that the caller lends.
///
/// ```swift
/// var deflater = try Deflater(.gzip)
/// let step = deflater.deflate(input, into: output)      // as often as there is input
/// let last = deflater.finish(into: output)              // until `isFinished`
/// ```
public struct Deflater: ~Copyable {
    /// What one call did.
    public struct Step: Sendable {
        /// The bytes taken from the input.
        public let readByteCount: Int
        /// The bytes put into the output.
        public let writtenByteCount: Int
        /// Whether all has been written, the checksum included.
        public let isFinished: Bool
    }

    private let stream: ZlibStream

    /// A deflater for one text, at zlib's usual level (6).
    ///
    /// - Throws: ``CompressionError`` if there is no memory.
    public init(_ format: CompressionFormat) throws(CompressionError) {
        stream = ZlibStream(end: deflateEnd)
        let code = deflateInit2_(
            stream.pointer,
            Z_DEFAULT_COMPRESSION,
            Z_DEFLATED,
            format.windowBits,
            Self.memoryLevel,
            Z_DEFAULT_STRATEGY,
            ZLIB_VERSION,
            ZlibStream.byteCount
        )
        guard code == Z_OK else { throw CompressionError(code) }
    }

    /// zlib's own default, which it gives no name.
    private static let memoryLevel: Int32 = 8

    /// Takes what it can from the input. What is not taken has to be offered again, with more room.
    public mutating func deflate(
        _ input: UnsafeRawBufferPointer,
        into output: UnsafeMutableRawBufferPointer
    ) -> Step {
        step(input, output, flush: Z_NO_FLUSH)
    }

    /// Writes what is left. Call it until it is finished; nothing may be deflated afterwards.
    public mutating func finish(into output: UnsafeMutableRawBufferPointer) -> Step {
        step(UnsafeRawBufferPointer(start: nil, count: 0), output, flush: Z_FINISH)
    }

    private func step(
        _ input: UnsafeRawBufferPointer,
        _ output: UnsafeMutableRawBufferPointer,
        flush: Int32
    ) -> Step {
        let run = stream.run(input, output) { CZlib.deflate($0, flush) }
        return Step(
            readByteCount: run.readByteCount,
            writtenByteCount: run.writtenByteCount,
            isFinished: run.code == Z_STREAM_END
        )
    }
}
