/// Says of most keys that a run does not have them, without a look at the disk: a Bloom filter in blocks of one cache
/// line, one bit in each of its eight words. Of keys that are not there it takes about one in a thousand for one that is.
struct KeyFilter: Equatable, Sendable {
    private static let bitsPerKey = 16
    private static let wordsPerBlock = 8

    private(set) var words: [UInt64]
    /// Chosen for each run, so that nobody can send keys that all of them take for known.
    let seed: UInt64

    init(capacity: Int, seed: UInt64) {
        let blockCount = max(1, (capacity * Self.bitsPerKey + 511) / 512)
        words = [UInt64](repeating: 0, count: blockCount * Self.wordsPerBlock)
        self.seed = seed
    }

    /// A filter that was written; `nil` if its size is none.
    init?(words: [UInt64], seed: UInt64) {
        guard !words.isEmpty, words.count % Self.wordsPerBlock == 0 else { return nil }
        self.words = words
        self.seed = seed
    }

    mutating func insert(_ key: StreamKey) {
        let (start, bits) = place(of: key)
        for word in 0..<Self.wordsPerBlock { words[start + word] |= Self.bit(word, bits) }
    }

    func contains(_ key: StreamKey) -> Bool {
        let (start, bits) = place(of: key)
        for word in 0..<Self.wordsPerBlock where words[start + word] & Self.bit(word, bits) == 0 { return false }
        return true
    }

    private static func bit(_ word: Int, _ bits: UInt64) -> UInt64 { 1 << (bits >> UInt64(6 * word) & 63) }

    private func place(of key: StreamKey) -> (start: Int, bits: UInt64) {
        var hash = Self.mixed(key.key.high ^ seed)
        hash = Self.mixed(hash ^ key.key.low)
        hash = Self.mixed(hash ^ key.stream)
        let block = hash.multipliedFullWidth(by: UInt64(words.count / Self.wordsPerBlock)).high
        return (Int(block) * Self.wordsPerBlock, Self.mixed(hash &+ 0x9E37_79B9_7F4A_7C15))
    }

    /// Every bit of the result depends on every bit of the value: the finalizer of MurmurHash3.
    private static func mixed(_ value: UInt64) -> UInt64 {
        var value = value
        value = (value ^ value >> 33) &* 0xFF51_AFD7_ED55_8CCD
        value = (value ^ value >> 33) &* 0xC4CE_B9FE_1A85_EC53
        return value ^ value >> 33
    }
}
