import Compression
import NIOCore

extension HTTPContentEncoding {
    /// The body without its coding.
    ///
    /// Members of a gzip file that follow one another are one body (RFC 1952, section 2.2). Anything else behind the
    /// end is refused, and so is a body without its end.
    ///
    /// Throws ``HTTPBodyFailure/tooLarge(maximumByteCount:)`` as soon as the output passes `maximumByteCount` or
    /// `maximumRatio` times the input, ``HTTPBodyFailure/malformedEncoding`` when the bytes are damaged.
    func decode(
        _ body: ByteBuffer,
        maximumByteCount: Int,
        maximumRatio: Int
    ) throws(HTTPBodyFailure) -> ByteBuffer {
        guard body.readableBytes > 0 else { return body }
        switch self {
        case .identity:
            return body
        case .gzip, .deflate:
            let (ratioByteCount, overflow) = body.readableBytes.multipliedReportingOverflow(by: maximumRatio)
            return try inflateBody(
                body,
                format: self == .gzip ? .gzip : .zlib,
                byteCountBound: min(maximumByteCount, overflow ? .max : ratioByteCount),
                tooLarge: .tooLarge(maximumByteCount: maximumByteCount)
            )
        case .unsupported(let name):
            throw .unsupportedEncoding(name)
        }
    }
}

/// Inflates until the input is used up.
private func inflateBody(
    _ body: ByteBuffer,
    format: CompressionFormat,
    byteCountBound: Int,
    tooLarge: HTTPBodyFailure
) throws(HTTPBodyFailure) -> ByteBuffer {
    guard var inflater = try? Inflater(format) else { throw .malformedEncoding }
    var input = body
    var output = ByteBuffer()
    output.reserveCapacity(min(byteCountBound, max(1024, 4 * body.readableBytes)))
    var state = Inflater.State.underWay
    while input.readableBytes > 0 || state == .underWay {
        if state == .ended {
            // Only gzip has members.
            guard format == .gzip, (try? inflater.reset()) != nil else { throw .malformedEncoding }
        }
        // At the end there is room for one byte more than allowed, to see whether there is one.
        let allowedByteCount = byteCountBound - output.readableBytes
        let wantedByteCount = max(output.writableBytes, 16 * 1024)
        let room = allowedByteCount < wantedByteCount ? allowedByteCount + 1 : wantedByteCount
        state = inflateStep(&inflater, &input, &output, room: room)
        guard output.readableBytes <= byteCountBound else { throw tooLarge }
        guard state == .underWay || state == .ended else { throw .malformedEncoding }
    }
    return output
}

/// One step: moves the reader of `input` and the writer of `output`, straight in their memory.
private func inflateStep(
    _ inflater: inout Inflater,
    _ input: inout ByteBuffer,
    _ output: inout ByteBuffer,
    room: Int
) -> Inflater.State {
    var state = Inflater.State.stalled
    input.readWithUnsafeReadableBytes { source in
        var readByteCount = 0
        output.writeWithUnsafeMutableBytes(minimumWritableBytes: room) { target in
            let step = inflater.inflate(source, into: UnsafeMutableRawBufferPointer(rebasing: target[..<room]))
            state = step.state
            readByteCount = step.readByteCount
            return step.writtenByteCount
        }
        return readByteCount
    }
    return state
}
