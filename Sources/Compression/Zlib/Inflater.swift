import CZlib

/// Undoes gzip or zlib. Nothing is kept between two calls but zlib's window of 32 KiB.
public struct Inflater: ~Copyable, Decompressor {
    private let stream: ZlibStream
    private let format: CompressionFormat

    /// An inflater for one text of that format.
    ///
    /// - Throws: ``CompressionError`` if there is no memory.
    public init(_ format: CompressionFormat) throws(CompressionError) {
        self.format = format
        stream = ZlibStream(end: inflateEnd)
        let code = inflateInit2_(stream.pointer, format.windowBits, ZLIB_VERSION, ZlibStream.byteCount)
        guard code == Z_OK else { throw CompressionError(code) }
    }

    /// Takes what it can from the input and puts what comes out of it into the output.
    public mutating func decompress(
        _ input: UnsafeRawBufferPointer,
        into output: UnsafeMutableRawBufferPointer
    ) -> DecompressionStep {
        let run = stream.run(input, output) { CZlib.inflate($0, Z_NO_FLUSH) }
        let state: DecompressionStep.State =
            switch run.code {
            case Z_OK: .underWay
            case Z_STREAM_END: .ended
            case Z_BUF_ERROR: .stalled
            default: .damaged
            }
        return DecompressionStep(
            readByteCount: run.readByteCount,
            writtenByteCount: run.writtenByteCount,
            state: state
        )
    }

    /// Begins with the next member of a gzip file; zlib's own format has none.
    public mutating func beginNext() -> Bool {
        format == .gzip && inflateReset(stream.pointer) == Z_OK
    }
}
