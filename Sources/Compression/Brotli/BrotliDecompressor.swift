import CBrotli

/// Undoes brotli ([RFC 7932](https://www.rfc-editor.org/rfc/rfc7932)). It keeps a window of up to 16 MiB, as large as what
/// comes out needs.
public struct BrotliDecompressor: ~Copyable, Decompressor {
    private let state: OpaquePointer

    /// A decompressor for one text.
    ///
    /// - Throws: ``CompressionError`` if there is no memory.
    public init() throws(CompressionError) {
        guard let state = BrotliDecoderCreateInstance(nil, nil, nil) else { throw .noMemory }
        self.state = state
    }

    deinit {
        BrotliDecoderDestroyInstance(state)
    }

    /// Takes what it can from the input and puts what comes out of it into the output.
    public mutating func decompress(
        _ input: UnsafeRawBufferPointer,
        into output: UnsafeMutableRawBufferPointer
    ) -> DecompressionStep {
        // The buffers are lent for this call only.
        var nextInput = input.bindMemory(to: UInt8.self).baseAddress
        var inputByteCount = input.count
        var nextOutput = output.bindMemory(to: UInt8.self).baseAddress
        var roomByteCount = output.count
        let result = BrotliDecoderDecompressStream(
            state,
            &inputByteCount,
            &nextInput,
            &roomByteCount,
            &nextOutput,
            nil
        )
        let read = input.count - inputByteCount
        let written = output.count - roomByteCount
        let reached: DecompressionStep.State =
            switch result {
            case BROTLI_DECODER_RESULT_SUCCESS: .ended
            case BROTLI_DECODER_RESULT_NEEDS_MORE_OUTPUT: .underWay
            // All of the input is taken; what is missing does not come.
            case BROTLI_DECODER_RESULT_NEEDS_MORE_INPUT: read + written > 0 ? .underWay : .stalled
            default: .damaged
            }
        return DecompressionStep(readByteCount: read, writtenByteCount: written, state: reached)
    }

    /// Nothing follows a brotli stream.
    public mutating func beginNext() -> Bool { false }
}
