import CZstandard

/// Undoes Zstandard ([RFC 8878](https://www.rfc-editor.org/rfc/rfc8878)), whose frames may follow one another.
///
/// A frame that wants a window of more than 8 MiB is refused, as RFC 9659 has it for HTTP.
public struct ZstandardDecompressor: ~Copyable, Decompressor {
    private static let maximumWindowLog: Int32 = 23

    private let context: OpaquePointer

    /// A decompressor for one text.
    ///
    /// - Throws: ``CompressionError`` if there is no memory.
    public init() throws(CompressionError) {
        guard let context = ZSTD_createDCtx() else { throw .noMemory }
        self.context = context
        _ = ZSTD_DCtx_setParameter(context, ZSTD_d_windowLogMax, Self.maximumWindowLog)
    }

    deinit {
        ZSTD_freeDCtx(context)
    }

    /// Takes what it can from the input and puts what comes out of it into the output.
    public mutating func decompress(
        _ input: UnsafeRawBufferPointer,
        into output: UnsafeMutableRawBufferPointer
    ) -> DecompressionStep {
        // The buffers are lent for this call only.
        var source = ZSTD_inBuffer(src: input.baseAddress, size: input.count, pos: 0)
        var target = ZSTD_outBuffer(dst: output.baseAddress, size: output.count, pos: 0)
        let code = ZSTD_decompressStream(context, &target, &source)
        let state: DecompressionStep.State =
            if ZSTD_isError(code) != 0 {
                .damaged
            } else if code == 0 {
                .ended
            } else {
                source.pos + target.pos > 0 ? .underWay : .stalled
            }
        return DecompressionStep(readByteCount: source.pos, writtenByteCount: target.pos, state: state)
    }

    /// Begins with the next frame.
    public mutating func beginNext() -> Bool {
        ZSTD_isError(ZSTD_DCtx_reset(context, ZSTD_reset_session_only)) == 0
    }
}
