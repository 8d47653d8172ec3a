import CZlib

/// zlib's state of one text. It lies at one place for good, since zlib keeps a pointer back to it.
final class ZlibStream {
    let pointer: UnsafeMutablePointer<z_stream>
    private let end: (z_streamp?) -> Int32

    /// The size by which zlib knows that it was built with the same header.
    static let byteCount = Int32(MemoryLayout<z_stream>.size)

    /// Room for a stream, still to be initialized; `end` releases what zlib allocated.
    init(end: @escaping (z_streamp?) -> Int32) {
        pointer = .allocate(capacity: 1)
        pointer.initialize(to: z_stream())
        self.end = end
    }

    deinit {
        // Does nothing to a stream whose initialization failed.
        _ = end(pointer)
        pointer.deallocate()
    }

    /// One call of zlib with that input and output, and what came of it.
    func run(
        _ input: UnsafeRawBufferPointer,
        _ output: UnsafeMutableRawBufferPointer,
        _ call: (UnsafeMutablePointer<z_stream>) -> Int32
    ) -> (code: Int32, readByteCount: Int, writtenByteCount: Int) {
        // The buffers are lent for this call only; zlib reads the input and never writes it.
        let offeredByteCount = UInt32(clamping: input.count)
        let roomByteCount = UInt32(clamping: output.count)
        pointer.pointee.next_in = UnsafeMutableRawPointer(mutating: input.baseAddress)?
            .assumingMemoryBound(to: UInt8.self)
        pointer.pointee.avail_in = offeredByteCount
        pointer.pointee.next_out = output.baseAddress?.assumingMemoryBound(to: UInt8.self)
        pointer.pointee.avail_out = roomByteCount
        let code = call(pointer)
        return (
            code, Int(offeredByteCount - pointer.pointee.avail_in), Int(roomByteCount - pointer.pointee.avail_out)
        )
    }
}
