import CollectorTesting
import Foundation
import TestSupport
import Testing

/// A generator whose numbers depend on its seed alone (SplitMix64).
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) {
        state = seed
    }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
        return mixed ^ mixed >> 31
    }

    /// A number from 0 below the bound.
    mutating func next(below bound: Int) -> Int {
        Int(next() % UInt64(max(1, bound)))
    }

    /// One of the elements.
    mutating func one<Element>(of elements: [Element]) -> Element {
        elements[next(below: elements.count)]
    }
}

/// A number of made-up cases, the same ones for the same seed.
///
/// `FUZZ_SEED` and `FUZZ_COUNT` choose seed and count. Case number n of a run is case 0 of the run with the seed plus n,
/// so `FUZZ_SEED=<seed of the case> FUZZ_COUNT=1` makes one case again. What is being tried is in a file, so that it can
/// be kept when the process traps; cases that once failed lie in `Fixtures/hostile/crashes` and are tried every time.
struct FuzzRun {
    /// What kind of input is made; the first word of the names of kept cases.
    let kind: String
    let seed: UInt64
    let count: Int
    private let file: Int32
    private let path: String

    init(_ kind: String, defaultCount: Int) throws {
        let environment = ProcessInfo.processInfo.environment
        self.kind = kind
        seed = environment["FUZZ_SEED"].flatMap { UInt64($0) } ?? 0x5EED
        count = environment["FUZZ_COUNT"].flatMap { Int($0) } ?? defaultCount
        path = "/tmp/collectord-fuzz-\(kind)-\(getpid())"
        file = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw TestSupportError("open \(path): \(errno)") }
        print("\(kind): FUZZ_SEED=\(seed) FUZZ_COUNT=\(count); the case under way is in \(path)")
    }

    /// Tries the kept cases, and then the made-up ones.
    ///
    /// - Parameter make: makes a case with its generator.
    /// - Parameter attempt: tries it; the text says how to make it again.
    func run(
        make: (inout SeededGenerator) -> [UInt8],
        attempt: (_ bytes: [UInt8], _ origin: Comment) throws -> Void
    ) throws {
        for (name, bytes) in try Self.kept(kind) { try attempt(bytes, Comment(rawValue: "kept case \(name)")) }
        for number in 0..<count {
            let seed = seed &+ UInt64(number)
            var generator = SeededGenerator(seed: seed)
            let bytes = make(&generator)
            note(bytes)
            try attempt(bytes, Comment(rawValue: "FUZZ_SEED=\(seed) FUZZ_COUNT=1, \(kind)"))
        }
        close(file)
        unlink(path)
    }

    /// Writes the case where it is found when the process is gone.
    private func note(_ bytes: [UInt8]) {
        _ = ftruncate(file, 0)
        _ = pwrite(file, bytes, bytes.count, 0)
    }

    private static func kept(_ kind: String) throws -> [(name: String, bytes: [UInt8])] {
        let folder = Fixtures.packageRoot.appending(path: "Fixtures/hostile/crashes")
        let all = (try? FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)) ?? []
        return try all.filter { $0.lastPathComponent.hasPrefix(kind + "-") }
            .sorted { $0.lastPathComponent < $1.lastPathComponent }
            .map { ($0.lastPathComponent, try Array(Data(contentsOf: $0))) }
    }
}
