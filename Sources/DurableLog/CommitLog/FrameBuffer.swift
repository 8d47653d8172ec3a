/// Memory that grows, into which frames are encoded where they will be written from.
///
/// `@unchecked Sendable`: changed only under the store's lock, by whoever holds the group it belongs to; read only once
/// the group was taken off by the flusher.
final class FrameBuffer: @unchecked Sendable {
    private(set) var base: UnsafeMutableRawPointer
    private(set) var capacity: Int
    private(set) var count = 0

    init(capacity: Int) {
        self.capacity = max(256, capacity)
        base = UnsafeMutableRawPointer.allocate(byteCount: self.capacity, alignment: 16)
    }

    deinit { base.deallocate() }

    var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: base, count: count) }

    /// Room for so many bytes more, which are then part of the buffer.
    func extend(by more: Int) -> UnsafeMutableRawPointer {
        if count + more > capacity { grow(to: count + more) }
        let start = base + count
        count += more
        return start
    }

    /// Gives up what was added last.
    func truncate(to count: Int) { self.count = min(count, self.count) }

    private func grow(to needed: Int) {
        var larger = capacity * 2
        while larger < needed { larger *= 2 }
        let moved = UnsafeMutableRawPointer.allocate(byteCount: larger, alignment: 16)
        moved.copyMemory(from: base, byteCount: count)
        base.deallocate()
        base = moved
        capacity = larger
    }
}
