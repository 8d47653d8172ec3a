import Compression

/// Bytes as a client compresses them.
enum CompressedText {
    /// The bytes in that content coding: "gzip" or "deflate".
    static func make(_ bytes: [UInt8], _ encoding: String) throws -> [UInt8] {
        var deflater = try Deflater(encoding == "gzip" ? .gzip : .zlib)
        return [UInt8](unsafeUninitializedCapacity: bytes.count + 1024) { output, count in
            bytes.withUnsafeBytes { input in
                count = deflater.deflate(input, into: UnsafeMutableRawBufferPointer(output)).writtenByteCount
            }
            let rest = UnsafeMutableRawBufferPointer(UnsafeMutableBufferPointer(rebasing: output[count...]))
            count += deflater.finish(into: rest).writtenByteCount
        }
    }
}
