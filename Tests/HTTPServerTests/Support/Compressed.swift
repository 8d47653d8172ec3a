import Compression
import Testing

/// The bytes compressed.
func compressed(_ bytes: [UInt8], _ format: CompressionFormat) throws -> [UInt8] {
    var deflater = try Deflater(format)
    return [UInt8](unsafeUninitializedCapacity: bytes.count + 1_024) { output, count in
        bytes.withUnsafeBytes { input in
            let step = deflater.deflate(input, into: UnsafeMutableRawBufferPointer(output))
            #expect(step.readByteCount == input.count)
            count = step.writtenByteCount
        }
        let last = deflater.finish(
            into: UnsafeMutableRawBufferPointer(UnsafeMutableBufferPointer(rebasing: output[count...]))
        )
        #expect(last.isFinished)
        count += last.writtenByteCount
    }
}
