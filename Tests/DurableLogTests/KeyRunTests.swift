import Logging
import Synchronization
import Testing

@testable import DurableLog

@Suite("Runs of message keys")
struct KeyRunTests {
    /// A place for runs, on files of the machine.
    private struct Place {
        let folder: TemporaryFolder
        let paths: StorePaths
        let quarantine: Quarantine

        init() throws {
            folder = try TemporaryFolder()
            paths = StorePaths(root: folder.path)
            quarantine = Quarantine(paths, SystemFiles()) { _ in }
            try SystemFiles().makeDirectory(paths.keys)
        }

        func open(_ named: [UInt64]?) -> KeyRuns { KeyRuns(paths, SystemFiles(), quarantine, named: named) }

        var fileCount: Int { TemporaryFolder.list(paths.keys).count }
    }

    private static let everything = KeyLimit(firstOrdinal: 0, firstMilliseconds: 0)

    private static func key(_ number: UInt64, stream: UInt64 = 1) -> StreamKey {
        StreamKey(stream: stream, key: MessageKey(high: number &* 0x9E37_79B9_7F4A_7C15, low: number))
    }

    private static func records(_ numbers: Range<UInt64>, stream: UInt64 = 1) -> [KeyRecord] {
        numbers.map { number in
            KeyRecord(
                key: key(number, stream: stream),
                entry: KeyEntry(ordinal: number, milliseconds: 1_000 + number, end: number * 10)
            )
        }
    }

    @Test("all keys of several streams are found again after opening, and no others")
    func found() throws {
        let place = try Place()
        let runs = place.open([])
        let records = Self.records(0..<5_000) + Self.records(0..<300, stream: 7)
        let change = try runs.prepare(adding: records.shuffled(), limits: [1: Self.everything, 7: Self.everything])
        runs.take(change)
        for runs in [runs, place.open(change.numbers)] {
            for record in records { #expect(runs.entry(of: record.key) == record.entry) }
            for number in 5_000..<7_000 as Range<UInt64> { #expect(runs.entry(of: Self.key(number)) == nil) }
            #expect(runs.entry(of: Self.key(300, stream: 7)) == nil)
            #expect(runs.streams == [1, 7])
        }
        #expect(place.quarantine.list.isEmpty)
    }

    @Test("the filter takes fewer than one in a hundred unknown keys for known ones, and no known one for unknown")
    func filter() {
        var filter = KeyFilter(capacity: 10_000, seed: 99)
        for number in 0..<10_000 as Range<UInt64> { filter.insert(Self.key(number)) }
        #expect((0..<10_000 as Range<UInt64>).allSatisfy { filter.contains(Self.key($0)) })
        let mistakenCount = (10_000..<110_000 as Range<UInt64>).count { filter.contains(Self.key($0)) }
        #expect(mistakenCount < 1_000)
        // Another seed, another filter.
        var other = KeyFilter(capacity: 10_000, seed: 100)
        for number in 0..<10_000 as Range<UInt64> { other.insert(Self.key(number)) }
        #expect(other != filter)
    }

    @Test("many small runs become few; nothing is lost, and what came last counts")
    func merging() throws {
        let place = try Place()
        var runs = place.open([])
        var names: [UInt64] = []
        for round in 0..<100 as Range<UInt64> {
            // A key comes again in each round.
            let again = KeyRecord(
                key: Self.key(1 << 40),
                entry: KeyEntry(ordinal: 1 << 32 + round, milliseconds: 1, end: round)
            )
            let records = Self.records(round * 50..<(round + 1) * 50) + [again]
            let change = try runs.prepare(adding: records, limits: [1: Self.everything])
            runs.take(change)
            names = change.numbers
            #expect(place.fileCount == names.count)
            if round % 30 == 29 { runs = place.open(names) }
        }
        #expect(names.count < 10)
        for record in Self.records(0..<5_000) { #expect(runs.entry(of: record.key) == record.entry) }
        #expect(runs.entry(of: Self.key(1 << 40))?.end == 99)
    }

    @Test("keys beyond their window go, with the files that held only such")
    func limits() throws {
        let place = try Place()
        let runs = place.open([])
        for start in stride(from: 0, to: 300, by: 100) {
            let records = Self.records(UInt64(start)..<UInt64(start) + 100)
            runs.take(try runs.prepare(adding: records, limits: [1: Self.everything]))
        }
        #expect(place.fileCount == 3)
        // Of the second run one key is still asked for.
        let late = KeyLimit(firstOrdinal: 199, firstMilliseconds: 0)
        runs.take(try runs.prepare(adding: [], limits: [1: late]))
        #expect(place.fileCount == 2)
        let later = KeyLimit(firstOrdinal: 0, firstMilliseconds: 1_000 + 250)
        runs.take(try runs.prepare(adding: [], limits: [1: later]))
        #expect(place.fileCount == 1)
        // A stream that is gone.
        runs.take(try runs.prepare(adding: [], limits: [:]))
        #expect(place.fileCount == 0)
    }

    @Test("what a checkpoint did not come to name is removed: at once, or at the next start")
    func discarded() throws {
        let place = try Place()
        let runs = place.open([])
        runs.discard(try runs.prepare(adding: Self.records(0..<10), limits: [1: Self.everything]))
        #expect(place.fileCount == 0)
        #expect(runs.entry(of: Self.key(3)) == nil)
        _ = try runs.prepare(adding: Self.records(0..<10), limits: [1: Self.everything])
        #expect(place.fileCount == 1)
        _ = place.open([])
        #expect(place.fileCount == 0)
    }

    @Test("without metadata, all runs that are there are taken")
    func adopted() throws {
        let place = try Place()
        let runs = place.open([])
        runs.take(try runs.prepare(adding: Self.records(0..<10), limits: [1: Self.everything]))
        #expect(place.open(nil).entry(of: Self.key(3))?.end == 30)
    }

    @Test("a flipped bit anywhere is found, and no wrong entry is told")
    func flippedBits() throws {
        let place = try Place()
        let runs = place.open([])
        let records = Self.records(0..<400)
        let change = try runs.prepare(adding: records, limits: [1: Self.everything])
        runs.take(change)
        let path = place.paths.keyRun(change.numbers[0])
        let whole = try TemporaryFolder.read(path)
        var generator = SeededGenerator(seed: 5)
        var foundCount = 0
        for _ in 0..<200 {
            let (byte, bit) = (
                whole.indices.randomElement(using: &generator) ?? 0, UInt8.random(in: 0..<8, using: &generator)
            )
            var damaged = whole
            damaged[byte] ^= 1 << bit
            try TemporaryFolder.write(damaged, to: path)
            let quarantine = Quarantine(place.paths, SystemFiles()) { _ in }
            let again = KeyRuns(place.paths, SystemFiles(), quarantine, named: change.numbers)
            for record in records {
                let entry = again.entry(of: record.key)
                #expect(entry == nil || entry == record.entry)
            }
            var problems: [DamageNote] = []
            again.check { problems.append($0) }
            if !quarantine.list.isEmpty || !problems.isEmpty { foundCount += 1 }
            let start = KeyRunFormat.Header.decoded(Array(whole.prefix(KeyRunFormat.headerByteCount)))
            let header = try #require(start)
            // Between tables and blocks nothing is written.
            let isUnused =
                UInt64(byte) >= UInt64(KeyRunFormat.headerByteCount) + header.tablesByteCount
                && UInt64(byte) < header.blocksStart || (56..<64).contains(byte)
            #expect(!quarantine.list.isEmpty || !problems.isEmpty || isUnused, "byte \(byte), bit \(bit)")
        }
        #expect(foundCount > 100)
    }

    @Test("of runs that cannot all be read, none is merged away")
    func unreadable() throws {
        let place = try Place()
        let runs = place.open([])
        for start in stride(from: 0, to: 700, by: 100) {
            let records = Self.records(UInt64(start)..<UInt64(start) + 100)
            runs.take(try runs.prepare(adding: records, limits: [1: Self.everything]))
        }
        #expect(place.fileCount == 7)
        let path = place.paths.keys + "/" + TemporaryFolder.list(place.paths.keys)[3]
        var bytes = try TemporaryFolder.read(path)
        bytes[bytes.count - 4_000] ^= 1
        try TemporaryFolder.write(bytes, to: path)
        runs.take(try runs.prepare(adding: Self.records(700..<800), limits: [1: Self.everything]))
        #expect(place.fileCount == 8)
        #expect(runs.entry(of: Self.key(750))?.end == 7_500)
        #expect(!place.quarantine.list.isEmpty)
        // The seven that are whole and the next one are.
        let change = try runs.prepare(adding: Self.records(800..<900), limits: [1: Self.everything])
        runs.take(change)
        #expect(change.numbers.count == 2 && place.fileCount == 2)
        #expect(runs.entry(of: Self.key(10))?.end == 100 && runs.entry(of: Self.key(850))?.end == 8_500)
    }
}
