/// Notices, while an object is scanned, whether its names could be written as they come: each once, index-like names
/// first and ascending.
///
/// A name is remembered as a fingerprint of its length and bytes. Two different names may share a fingerprint; then
/// the object is only taken for non-canonical and written anew, which costs time and nothing else.
struct NameOrder {
    private var fingerprints: [UInt64] = []
    private var starts: [Int] = []
    private var lastIndices: [Int64] = []

    /// Objects with more names than this are not compared name by name; they count as non-canonical.
    private static let comparisonLimit = 64

    /// No index-like name has been seen; ordinary names may follow.
    private static let noIndex: Int64 = -1
    /// An ordinary name has been seen; no index-like name may follow.
    private static let ordinary = Int64.max

    /// Whether the innermost object has no name yet.
    var isFirst: Bool { fingerprints.count == starts.last }

    mutating func open() {
        starts.append(fingerprints.count)
        lastIndices.append(Self.noIndex)
    }

    mutating func close() {
        let start = starts.removeLast()
        lastIndices.removeLast()
        fingerprints.removeLast(fingerprints.count - start)
    }

    /// Adds a name (its bytes without quotes) and says whether it may stand here in canonical text.
    mutating func add(_ name: UnsafePointer<UInt8>, count: Int) -> Bool {
        let start = starts[starts.count - 1]
        let isOrdered = noteIndex(name, count: count)
        let fingerprint = Self.fingerprint(name, count: count)
        var isNew = fingerprints.count - start < Self.comparisonLimit
        if isNew {
            for position in start..<fingerprints.count where fingerprints[position] == fingerprint { isNew = false }
        }
        fingerprints.append(fingerprint)
        return isOrdered && isNew
    }

    private mutating func noteIndex(_ name: UnsafePointer<UInt8>, count: Int) -> Bool {
        let last = lastIndices[lastIndices.count - 1]
        guard count > 0, count <= 10, name[0] &- 0x30 <= 9 else {
            lastIndices[lastIndices.count - 1] = Self.ordinary
            return true
        }
        var number: Int64 = 0
        for offset in 0..<count {
            let digit = name[offset] &- 0x30
            guard digit <= 9 else {
                lastIndices[lastIndices.count - 1] = Self.ordinary
                return true
            }
            number = number * 10 + Int64(digit)
        }
        if (name[0] == 0x30 && count > 1) || number >= Int64(UInt32.max) {
            lastIndices[lastIndices.count - 1] = Self.ordinary
            return true
        }
        lastIndices[lastIndices.count - 1] = max(number, last)
        return number > last
    }

    private static func fingerprint(_ name: UnsafePointer<UInt8>, count: Int) -> UInt64 {
        var hash = UInt64(truncatingIfNeeded: count) &* 0x9E37_79B9_7F4A_7C15
        var offset = 0
        while offset + 8 <= count {
            let word = UnsafeRawPointer(name + offset).loadUnaligned(as: UInt64.self)
            hash = (hash ^ word) &* 0xFF51_AFD7_ED55_8CCD
            hash ^= hash >> 32
            offset += 8
        }
        var tail: UInt64 = 0
        while offset < count {
            tail = tail << 8 | UInt64(name[offset])
            offset += 1
        }
        hash = (hash ^ tail) &* 0xFF51_AFD7_ED55_8CCD
        return hash ^ hash >> 29
    }
}
