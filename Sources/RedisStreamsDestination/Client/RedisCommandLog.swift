/// The encoded bytes of all unanswered commands, kept until their replies came so that they can be written again.
///
/// Positions are those of ``RedisCommandWindow``. The bytes lie in the buffers in which the callers wrote them; a
/// buffer goes back to the callers when its last command is answered.
struct RedisCommandLog {
    private struct Segment {
        let start: Int
        var bytes: [UInt8]
        var end: Int { start + bytes.count }
    }

    /// A buffer larger than this is freed after use instead of being kept.
    static let maximumSpareBytes = 4 << 20
    private static let maximumSpares = 4
    private static let minimumSegmentBytes = 64 << 10

    private var segments: [Segment] = []
    private var firstSegment = 0
    /// The segment that was read last: writing goes on where it stopped.
    private var readSegment = 0
    private var end = 0
    private var spares: [[UInt8]] = []

    /// How many buffers hold unanswered commands.
    var segmentCount: Int { segments.count - firstSegment }

    /// Takes the bytes that follow, and leaves an empty buffer in their place for the callers to fill.
    ///
    /// Few bytes are copied to the end of the last buffer, or to the beginning of a roomy one, so that many small
    /// batches share a buffer; many bytes stay where they are.
    mutating func append(_ bytes: inout [UInt8]) {
        guard !bytes.isEmpty else { return }
        let start = end
        end += bytes.count
        let last = segments.count - 1
        if last >= firstSegment, segments[last].bytes.capacity - segments[last].bytes.count >= bytes.count {
            segments[last].bytes.append(contentsOf: bytes)
            bytes.removeAll(keepingCapacity: true)
            return
        }
        var spare = spares.popLast() ?? []
        if bytes.count * 4 <= Self.minimumSegmentBytes {
            spare.reserveCapacity(Self.minimumSegmentBytes)
            spare.append(contentsOf: bytes)
            bytes.removeAll(keepingCapacity: true)
        } else {
            swap(&spare, &bytes)
        }
        segments.append(Segment(start: start, bytes: spare))
    }

    /// Lends the bytes from a position to the end of their buffer; they are not empty while the position is before
    /// the end.
    ///
    /// Do not let the pointer escape.
    mutating func withBytes<Result>(from position: Int, _ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        if readSegment < firstSegment || readSegment >= segments.count || position < segments[readSegment].start {
            readSegment = firstSegment
        }
        while readSegment < segments.count, position >= segments[readSegment].end {
            readSegment += 1
        }
        guard readSegment < segments.count else { return body(UnsafeRawBufferPointer(start: nil, count: 0)) }
        let offset = position - segments[readSegment].start
        return segments[readSegment].bytes.withUnsafeBytes { body(UnsafeRawBufferPointer(rebasing: $0[offset...])) }
    }

    /// Frees the buffers that lie wholly before a position.
    mutating func release(upTo position: Int) {
        while firstSegment < segments.count, segments[firstSegment].end <= position {
            var bytes: [UInt8] = []
            swap(&bytes, &segments[firstSegment].bytes)
            firstSegment += 1
            keepSpare(&bytes)
        }
        if firstSegment == segments.count {
            segments.removeAll(keepingCapacity: true)
            firstSegment = 0
            readSegment = 0
        } else if firstSegment >= 64, firstSegment * 2 >= segments.count {
            segments.removeSubrange(..<firstSegment)
            readSegment = max(0, readSegment - firstSegment)
            firstSegment = 0
        }
    }

    private mutating func keepSpare(_ bytes: inout [UInt8]) {
        guard spares.count < Self.maximumSpares, bytes.capacity <= Self.maximumSpareBytes else { return }
        bytes.removeAll(keepingCapacity: true)
        spares.append(bytes)
    }
}
