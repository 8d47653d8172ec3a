/// Where text is written: an array, or a `ByteWriter`.
protocol ByteSink: ~Copyable {
    mutating func append(_ byte: UInt8)
    mutating func append(contentsOf bytes: UnsafeBufferPointer<UInt8>)
}

extension ByteSink where Self: ~Copyable {
    mutating func append(literal text: StaticString) {
        append(contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }
}

extension [UInt8]: ByteSink {}

/// Text that is being written, in memory of its own: an array's checks for each byte are most of what a short text costs.
///
/// Invariant: `base` has room for `capacity` bytes, of which the first `count` are initialized.
@frozen
public struct ByteWriter: ~Copyable, ByteSink {
    @usableFromInline var base: UnsafeMutablePointer<UInt8>
    @usableFromInline var capacity: Int
    @usableFromInline var writtenCount = 0

    /// The number of bytes written.
    @inlinable
    public var count: Int { writtenCount }

    /// A writer with room for that many bytes; it makes more when it needs to.
    @inlinable
    public init(capacity: Int) {
        self.capacity = Swift.max(capacity, 16)
        base = .allocate(capacity: self.capacity)
    }

    deinit {
        base.deallocate()
    }

    /// What has been written, until the next change.
    @inlinable
    public var written: UnsafeBufferPointer<UInt8> {
        UnsafeBufferPointer(start: base, count: writtenCount)
    }

    /// Whether nothing has been written.
    @inlinable
    public var isEmpty: Bool { writtenCount == 0 }

    /// A byte that has been written.
    @inlinable
    public subscript(position: Int) -> UInt8 {
        get {
            precondition(position >= 0 && position < writtenCount)
            return base[position]
        }
        set {
            precondition(position >= 0 && position < writtenCount)
            base[position] = newValue
        }
    }

    /// Appends one byte.
    @inlinable
    @inline(__always)
    public mutating func append(_ byte: UInt8) {
        if writtenCount == capacity { grow(by: 1) }
        base[writtenCount] = byte
        writtenCount &+= 1
    }

    /// Appends a run of bytes.
    @inlinable
    @inline(__always)
    public mutating func append(contentsOf bytes: UnsafeBufferPointer<UInt8>) {
        guard let start = bytes.baseAddress else { return }
        if capacity &- writtenCount < bytes.count { grow(by: bytes.count) }
        (base + writtenCount).update(from: start, count: bytes.count)
        writtenCount &+= bytes.count
    }

    /// Appends the bytes of an array.
    @inlinable
    public mutating func append(contentsOf bytes: [UInt8]) {
        bytes.withUnsafeBufferPointer { append(contentsOf: $0) }
    }

    /// Appends a text that is known when the program is built.
    @inlinable
    @inline(__always)
    public mutating func append(_ text: StaticString) {
        append(contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    /// Appends a string as JSON, with quotes.
    public mutating func appendJSON(_ string: String) {
        JSONEscape.append(string, to: &self)
    }

    /// Takes the last bytes back.
    @inlinable
    public mutating func removeLast(_ count: Int) {
        precondition(count >= 0 && count <= writtenCount)
        writtenCount &-= count
    }

    /// Takes the bytes of a range away.
    public mutating func remove(_ range: Range<Int>) {
        precondition(range.lowerBound >= 0 && range.upperBound <= writtenCount)
        (base + range.lowerBound).update(from: base + range.upperBound, count: writtenCount - range.upperBound)
        writtenCount -= range.count
    }

    @usableFromInline
    mutating func grow(by count: Int) {
        let larger = Swift.max(capacity * 2, writtenCount + count)
        let memory = UnsafeMutablePointer<UInt8>.allocate(capacity: larger)
        memory.moveInitialize(from: base, count: writtenCount)
        base.deallocate()
        base = memory
        capacity = larger
    }

    /// Hands the memory over to who deallocates it.
    @inlinable
    public consuming func finish() -> UnsafeBufferPointer<UInt8> {
        let bytes = UnsafeBufferPointer<UInt8>(start: base, count: writtenCount)
        discard self
        return bytes
    }
}

/// Text that was written and never changes again.
public final class ByteRun: @unchecked Sendable {
    // Sendable: the memory belongs to the run alone and is only read until it ends.
    /// The text, as long as the run exists.
    public let bytes: UnsafeBufferPointer<UInt8>

    /// Takes over what was written.
    public init(_ writer: consuming ByteWriter) {
        bytes = writer.finish()
    }

    deinit {
        bytes.deallocate()
    }
}
