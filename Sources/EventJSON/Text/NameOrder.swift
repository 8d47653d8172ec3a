/// Notices, while an object is scanned, whether its names could be written as they come: each once, index-like names
/// first and ascending.
///
/// A name is remembered as a fingerprint of its length and bytes. Two different names may share a fingerprint; then
/// the object is only taken for non-canonical and written anew, which costs time and nothing else.
struct NameOrder: ~Copyable {
    /// One stack for all open objects: the outer object's `start` and `lastIndex`, then the object's fingerprints.
    ///
    /// Every name of a text passes here, so the memory is the structure's own, without the checks of an array.
    /// Invariant: `words` has room for `capacity` words, of which the first `count` are initialized.
    private var words: UnsafeMutablePointer<UInt64>
    private var capacity: Int
    private var count = 0
    /// Where the innermost object's fingerprints begin.
    private var start = 0
    /// The last index-like name of the innermost object, or one of the two values below.
    private var lastIndex = NameOrder.noIndex

    /// Objects with more names than this are not compared name by name; they count as non-canonical.
    private static let comparisonLimit = 64

    /// No index-like name has been seen; ordinary names may follow.
    private static let noIndex: Int64 = -1
    /// An ordinary name has been seen; no index-like name may follow.
    private static let ordinary = Int64.max

    init() {
        capacity = 64
        words = .allocate(capacity: capacity)
    }

    deinit {
        words.deallocate()
    }

    /// Whether the innermost object has no name yet.
    var isFirst: Bool { count == start }

    /// The names of the innermost object so far.
    var nameCount: Int { count - start }

    mutating func open() {
        append(UInt64(start))
        append(UInt64(bitPattern: lastIndex))
        start = count
        lastIndex = Self.noIndex
    }

    mutating func close() {
        count = start - 2
        start = Int(words[count])
        lastIndex = Int64(bitPattern: words[count + 1])
    }

    /// Adds a name (its bytes without quotes) and says whether it may stand here in canonical text.
    ///
    /// - Parameter readableCount: How many bytes may be read from the name's first on, at least `nameCount`.
    @inline(__always)
    mutating func add(_ name: UnsafePointer<UInt8>, count nameCount: Int, readableCount: Int) -> Bool {
        let isOrdered = noteIndex(name, count: nameCount)
        let fingerprint = Self.fingerprint(name, count: nameCount, readableCount: readableCount)
        var isNew = count - start < Self.comparisonLimit
        if isNew {
            for position in start..<count where words[position] == fingerprint { isNew = false }
        }
        append(fingerprint)
        return isOrdered && isNew
    }

    @inline(__always)
    private mutating func append(_ word: UInt64) {
        if count == capacity { grow() }
        words[count] = word
        count += 1
    }

    private mutating func grow() {
        let larger = UnsafeMutablePointer<UInt64>.allocate(capacity: capacity * 2)
        larger.moveInitialize(from: words, count: count)
        words.deallocate()
        words = larger
        capacity *= 2
    }

    @inline(__always)
    private mutating func noteIndex(_ name: UnsafePointer<UInt8>, count: Int) -> Bool {
        guard count > 0, count <= 10, name[0] &- 0x30 <= 9, let number = Self.index(name, count: count) else {
            lastIndex = Self.ordinary
            return true
        }
        let last = lastIndex
        lastIndex = max(number, last)
        return number > last
    }

    /// The array index that the digits stand for; nil if they do not stand for one.
    private static func index(_ name: UnsafePointer<UInt8>, count: Int) -> Int64? {
        var number: Int64 = 0
        for offset in 0..<count {
            let digit = name[offset] &- 0x30
            guard digit <= 9 else { return nil }
            number = number * 10 + Int64(digit)
        }
        return (name[0] == 0x30 && count > 1) || number >= Int64(UInt32.max) ? nil : number
    }

    @inline(__always)
    private static func fingerprint(_ name: UnsafePointer<UInt8>, count: Int, readableCount: Int) -> UInt64 {
        var hash = UInt64(truncatingIfNeeded: count) &* 0x9E37_79B9_7F4A_7C15
        var offset = 0
        while offset + 8 <= count {
            let word = UnsafeRawPointer(name + offset).loadUnaligned(as: UInt64.self)
            hash = (hash ^ word) &* 0xFF51_AFD7_ED55_8CCD
            hash ^= hash >> 32
            offset += 8
        }
        var tail: UInt64 = 0
        if offset + 8 <= readableCount {
            // What follows the name is read as well, and masked away.
            let word = UInt64(littleEndian: UnsafeRawPointer(name + offset).loadUnaligned(as: UInt64.self))
            tail = word & ((1 << (8 * UInt64(count - offset))) - 1)
        } else {
            for position in stride(from: count - 1, through: offset, by: -1) {
                tail = tail << 8 | UInt64(name[position])
            }
        }
        hash = (hash ^ tail) &* 0xFF51_AFD7_ED55_8CCD
        return hash ^ hash >> 29
    }
}
