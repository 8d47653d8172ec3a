import Compression
import NIOCore

extension HTTPContentEncoding {
    /// The body without its coding.
    ///
    /// Members of a gzip file that follow one another are one body (RFC 1952, section 2.2), and so are frames of
    /// Zstandard. Anything else behind the end is refused, and so is a body without its end.
    ///
    /// Throws ``HTTPBodyFailure/tooLarge(maximumByteCount:)`` as soon as the output passes `maximumByteCount` or
    /// `maximumRatio` times the input, ``HTTPBodyFailure/malformedEncoding`` when the bytes are damaged.
    func decode(
        _ body: ByteBuffer,
        maximumByteCount: Int,
        maximumRatio: Int
    ) throws(HTTPBodyFailure) -> ByteBuffer {
        guard body.readableBytes > 0 else { return body }
        let bound = HTTPDecodedBodyBound(body, maximumByteCount: maximumByteCount, maximumRatio: maximumRatio)
        switch self {
        case .identity: return body
        case .gzip: return try decompressed(body, try? Inflater(.gzip), bound)
        case .deflate: return try decompressed(body, try? Inflater(.zlib), bound)
        case .brotli: return try decompressed(body, try? BrotliDecompressor(), bound)
        case .zstandard: return try decompressed(body, try? ZstandardDecompressor(), bound)
        case .unsupported(let name): throw .unsupportedEncoding(name)
        }
    }
}

/// How large a body may become.
private struct HTTPDecodedBodyBound {
    let byteCount: Int
    let failure: HTTPBodyFailure

    init(_ body: ByteBuffer, maximumByteCount: Int, maximumRatio: Int) {
        let (ratioByteCount, overflow) = body.readableBytes.multipliedReportingOverflow(by: maximumRatio)
        byteCount = min(maximumByteCount, overflow ? .max : ratioByteCount)
        failure = .tooLarge(maximumByteCount: maximumByteCount)
    }
}

/// Decompresses until the input is used up.
private func decompressed<Kind: Decompressor & ~Copyable>(
    _ body: ByteBuffer,
    _ decompressor: consuming Kind?,
    _ bound: HTTPDecodedBodyBound
) throws(HTTPBodyFailure) -> ByteBuffer {
    guard var decompressor else { throw .malformedEncoding }
    var input = body
    var output = ByteBuffer()
    output.reserveCapacity(min(bound.byteCount, max(1024, 4 * body.readableBytes)))
    var state = DecompressionStep.State.underWay
    while input.readableBytes > 0 || state == .underWay {
        if state == .ended, !decompressor.beginNext() { throw .malformedEncoding }
        // At the end there is room for one byte more than allowed, to see whether there is one.
        let allowedByteCount = bound.byteCount - output.readableBytes
        let wantedByteCount = max(output.writableBytes, 16 * 1024)
        let room = allowedByteCount < wantedByteCount ? allowedByteCount + 1 : wantedByteCount
        state = decompressor.step(&input, &output, room: room)
        guard output.readableBytes <= bound.byteCount else { throw bound.failure }
        guard state == .underWay || state == .ended else { throw .malformedEncoding }
    }
    return output
}

extension Decompressor where Self: ~Copyable {
    /// One step: moves the reader of `input` and the writer of `output`, straight in their memory.
    mutating func step(
        _ input: inout ByteBuffer,
        _ output: inout ByteBuffer,
        room: Int
    ) -> DecompressionStep.State {
        var state = DecompressionStep.State.stalled
        input.readWithUnsafeReadableBytes { source in
            var readByteCount = 0
            output.writeWithUnsafeMutableBytes(minimumWritableBytes: room) { target in
                let step = self.decompress(source, into: UnsafeMutableRawBufferPointer(rebasing: target[..<room]))
                state = step.state
                readByteCount = step.readByteCount
                return step.writtenByteCount
            }
            return readByteCount
        }
        return state
    }
}
