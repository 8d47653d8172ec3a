import CZlib
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
                windowBits: self == .gzip ? 15 + 16 : 15,
                hasMembers: self == .gzip,
                byteCountBound: min(maximumByteCount, overflow ? .max : ratioByteCount),
                tooLarge: .tooLarge(maximumByteCount: maximumByteCount)
            )
        case .unsupported(let name):
            throw .unsupportedEncoding(name)
        }
    }
}

/// Inflates until the input is used up.
///
/// `windowBits` chooses the format, as zlib's `inflateInit2` wants it.
private func inflateBody(
    _ body: ByteBuffer,
    windowBits: Int32,
    hasMembers: Bool,
    byteCountBound: Int,
    tooLarge: HTTPBodyFailure
) throws(HTTPBodyFailure) -> ByteBuffer {
    var stream = z_stream()
    guard
        inflateInit2_(&stream, windowBits, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK
    else { throw .malformedEncoding }
    defer { inflateEnd(&stream) }

    var input = body
    var output = ByteBuffer()
    output.reserveCapacity(min(byteCountBound, max(1024, 4 * body.readableBytes)))
    var status = Z_OK
    while input.readableBytes > 0 || status == Z_OK {
        if status == Z_STREAM_END {
            guard hasMembers, inflateReset(&stream) == Z_OK else { throw .malformedEncoding }
        }
        // At the end there is room for one byte more than allowed, to see whether there is one.
        let allowedByteCount = byteCountBound - output.readableBytes
        let wantedByteCount = max(output.writableBytes, 16 * 1024)
        let room = allowedByteCount < wantedByteCount ? allowedByteCount + 1 : wantedByteCount
        status = inflateStep(&stream, &input, &output, room: room)
        guard output.readableBytes <= byteCountBound else { throw tooLarge }
        guard status == Z_OK || status == Z_STREAM_END else { throw .malformedEncoding }
    }
    return output
}

/// One call of `inflate`: moves the reader of `input` and the writer of `output`, and returns zlib's status.
private func inflateStep(
    _ stream: inout z_stream,
    _ input: inout ByteBuffer,
    _ output: inout ByteBuffer,
    room: Int
) -> Int32 {
    var status = Z_OK
    var readByteCount = 0
    input.readWithUnsafeMutableReadableBytes { source in
        output.writeWithUnsafeMutableBytes(minimumWritableBytes: room) { target in
            // The pointers are valid during this call of `inflate` only; zlib does not read them in between.
            stream.next_in = source.baseAddress?.assumingMemoryBound(to: UInt8.self)
            let offeredByteCount = UInt32(clamping: source.count)
            stream.avail_in = offeredByteCount
            stream.next_out = target.baseAddress?.assumingMemoryBound(to: UInt8.self)
            stream.avail_out = UInt32(clamping: room)
            status = inflate(&stream, Z_NO_FLUSH)
            readByteCount = Int(offeredByteCount - stream.avail_in)
            return Int(UInt32(clamping: room) - stream.avail_out)
        }
        return readByteCount
    }
    return status
}
