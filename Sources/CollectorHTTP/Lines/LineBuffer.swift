import NIOCore

/// Cuts a stream of bytes into runs of whole lines, and passes over lines that are too long.
struct LineBuffer {
    /// Whole lines, the last newline included, and the place of the first, counted from 0.
    struct Run {
        let bytes: ByteBuffer
        let place: Int
    }

    private let maximumLineByteCount: Int
    private var bytes = ByteBuffer()
    /// How many of the bytes are known to hold no newline.
    private var searchedByteCount = 0
    /// Whether what comes up to the next newline belongs to a line that is too long.
    private var isSkipping = false
    /// The place of the line that the next byte belongs to.
    private(set) var place = 0

    init(maximumLineByteCount: Int) {
        self.maximumLineByteCount = maximumLineByteCount
    }

    mutating func append(_ part: ByteBuffer) {
        if bytes.readableBytes == 0 {
            bytes = part
            searchedByteCount = 0
        } else {
            bytes.writeImmutableBuffer(part)
        }
    }

    /// The whole lines that are there; nil if there is none. `tooLong` is called with the place of each line that is
    /// passed over.
    mutating func next(tooLong: (Int) -> Void) -> Run? {
        if isSkipping {
            guard let newline = firstNewline() else {
                bytes.clear()
                return nil
            }
            bytes.moveReaderIndex(forwardBy: newline + 1)
            isSkipping = false
            place += 1
        }
        guard let end = lastNewline() else {
            if bytes.readableBytes > maximumLineByteCount {
                tooLong(place)
                isSkipping = true
                bytes.clear()
                searchedByteCount = 0
            } else {
                searchedByteCount = bytes.readableBytes
            }
            return nil
        }
        searchedByteCount = 0
        return bytes.readSlice(length: end + 1).map { run($0) }
    }

    /// The last line, if no newline ends it; nil if there is none.
    mutating func last() -> Run? {
        guard !isSkipping, bytes.readableBytes > 0 else { return nil }
        searchedByteCount = 0
        return bytes.readSlice(length: bytes.readableBytes).map { run($0) }
    }

    private mutating func run(_ lines: ByteBuffer) -> Run {
        let run = Run(bytes: lines, place: place)
        place += lines.withUnsafeReadableBytes { bytes in
            bytes.reduce(into: 0) { if $1 == UInt8(ascii: "\n") { $0 += 1 } }
        }
        return run
    }

    private func firstNewline() -> Int? {
        bytes.withUnsafeReadableBytes { $0.firstIndex(of: UInt8(ascii: "\n")) }
    }

    private func lastNewline() -> Int? {
        bytes.withUnsafeReadableBytes { $0[searchedByteCount...].lastIndex(of: UInt8(ascii: "\n")) }
    }
}
