import Synchronization

/// The runs of keys of a store: looked into by whoever appends, exchanged by whoever takes checkpoints.
final class KeyRuns: Sendable {
    /// What the next checkpoint brings: files that are written and have no name in the metadata yet.
    struct Change {
        fileprivate var runs: [KeyRun]
        fileprivate var written: [KeyRun] = []
        fileprivate var dropped: [KeyRun] = []

        /// What the metadata is to name.
        var numbers: [UInt64] { runs.map(\.number) }
    }

    private let paths: StorePaths
    private let files: any FileSystem
    private let quarantine: Quarantine
    private let runs: Mutex<[KeyRun]>
    /// Those that cannot be read as a whole: they are merged with no others.
    private let damaged = Mutex<Set<UInt64>>([])
    private let nextNumber: Mutex<UInt64>

    /// Opens the runs that the metadata names; without metadata, all that are there. Others are removed, unless nothing may
    /// be changed.
    init(
        _ paths: StorePaths,
        _ files: any FileSystem,
        _ quarantine: Quarantine,
        named: [UInt64]?,
        removingOthers: Bool = true
    ) {
        self.paths = paths
        self.files = files
        self.quarantine = quarantine
        // A store that is only looked at may have none.
        let present = ((try? files.list(paths.keys)) ?? []).compactMap(StorePaths.keyRunNumber)
        var opened: [KeyRun] = []
        for number in (named ?? present).sorted() {
            let path = paths.keyRun(number)
            do {
                opened.append(try KeyRun(path: path, files))
            } catch {
                let damaged = error as? KeyRun.Damaged
                quarantine.note(
                    path,
                    damaged?.byteRange ?? 0..<0,
                    "message keys cannot be read; what has them may be taken for new: \(Self.reason(error))"
                )
            }
        }
        if let named, removingOthers {
            for number in Set(present).subtracting(named) { try? files.remove(paths.keyRun(number)) }
        }
        runs = Mutex(opened)
        nextNumber = Mutex((present + (named ?? [])).max().map { $0 + 1 } ?? 1)
    }

    private static func reason(_ error: any Error) -> String {
        (error as? FileFailure)?.description ?? "it is damaged"
    }

    /// What is remembered of a key: what came last of it.
    func entry(of key: StreamKey) -> KeyEntry? {
        let runs = runs.withLock { $0 }
        var found: KeyEntry?
        for run in runs {
            do {
                guard let entry = try run.entry(of: key) else { continue }
                if entry.ordinal >= found?.ordinal ?? 0 { found = entry }
            } catch {
                note(error, in: run)
            }
        }
        return found
    }

    private func note(_ error: any Error, in run: KeyRun) {
        damaged.withLock { _ = $0.insert(run.number) }
        guard let found = error as? KeyRun.Damaged else {
            return quarantine.note(run.path, 0..<0, Self.reason(error))
        }
        found.bytes.withUnsafeBytes { bytes in
            let what = "damaged; what has its message keys may be taken for new"
            quarantine.note(run.path, found.byteRange, what, bytes: bytes)
        }
    }

    /// The streams whose limits `prepare` asks for.
    var streams: Set<UInt64> { runs.withLock { Set($0.flatMap { $0.streams.map(\.stream) }) } }

    /// Writes a run of keys, merges runs, leaves those out that nobody asks for any more. Durable when it returns; in use
    /// when it is taken.
    func prepare(adding keys: [KeyRecord], limits: [UInt64: KeyLimit]) throws(FileFailure) -> Change {
        var change = Change(runs: runs.withLock { $0 })
        do throws(FileFailure) {
            let isKept = { (run: KeyRun) in
                run.streams.contains { part in
                    limits[part.stream]?.keeps(ordinal: part.ordinal, milliseconds: part.milliseconds) ?? false
                }
            }
            change.dropped = change.runs.filter { !isKept($0) }
            change.runs.removeAll { !isKept($0) }
            if let run = try write(keys) {
                change.written.append(run)
                change.runs.append(run)
            }
            let damaged = damaged.withLock { $0 }
            let due = KeyRunMerge.due(change.runs.filter { !damaged.contains($0.number) })
            if !due.isEmpty { try merge(due, limits, &change) }
            if !change.written.isEmpty { try files.synchronizeDirectory(paths.keys) }
        } catch {
            discard(change)
            throw error
        }
        return change
    }

    private func write(_ keys: [KeyRecord]) throws(FileFailure) -> KeyRun? {
        guard !keys.isEmpty else { return nil }
        // Of a key that came twice, the later.
        let sorted = keys.sorted { ($0.key, $1.entry.ordinal) < ($1.key, $0.entry.ordinal) }
        var last: StreamKey?
        var place = 0
        return try write(capacity: keys.count, streamCount: Set(keys.map(\.key.stream)).count) {
            while place < sorted.count, sorted[place].key == last { place += 1 }
            guard place < sorted.count else { return nil }
            last = sorted[place].key
            return sorted[place]
        }
    }

    /// Writes the records that are handed out, or nothing; the records' own failures are passed on.
    private func write(capacity: Int, streamCount: Int, _ next: () throws -> KeyRecord?) throws(FileFailure) -> KeyRun?
    {
        let number = nextNumber.withLock { number in
            number += 1
            return number - 1
        }
        let path = paths.keyRun(number)
        do {
            var writer = try KeyRunWriter(
                number: number,
                path: path,
                capacity: capacity,
                maximumStreamCount: streamCount,
                seed: .random(in: .min ... .max),
                files
            )
            while let record = try next() { try writer.add(record) }
            if let run = try writer.finish() { return run }
        } catch let failure as FileFailure {
            try? files.remove(path)
            throw failure
        } catch {
            // What cannot be read was noted by who handed out.
        }
        try? files.remove(path)
        return nil
    }

    private func merge(_ due: [KeyRun], _ limits: [UInt64: KeyLimit], _ change: inout Change) throws(FileFailure) {
        var merge = KeyRunMerge(due, limits: limits)
        var isWhole = true
        let merged = try write(
            capacity: due.reduce(0) { $0 + $1.recordCount },
            streamCount: Set(due.flatMap { $0.streams.map(\.stream) }).count
        ) {
            do {
                return try merge.next()
            } catch {
                isWhole = false
                throw error
            }
        }
        if !isWhole {
            // They stay apart, so that what is whole of them is found.
            for run in due { check(run) { note($0, in: run) } }
            return
        }
        let numbers = Set(due.map(\.number))
        change.runs.removeAll { numbers.contains($0.number) }
        if let merged {
            change.written.append(merged)
            change.runs.append(merged)
        }
        change.dropped += due
    }

    /// The metadata names them now.
    func take(_ change: Change) {
        runs.withLock { $0 = change.runs }
        for run in change.dropped { try? files.remove(run.path) }
    }

    /// The metadata does not name them after all.
    func discard(_ change: Change) {
        for run in change.written { try? files.remove(run.path) }
    }

    /// Looks at every record.
    func check(_ report: (DamageNote) -> Void) {
        for run in runs.withLock({ $0 }) {
            check(run) { error in
                let range = (error as? KeyRun.Damaged)?.byteRange ?? 0..<0
                report(DamageNote(place: run.path, byteRange: range, what: Self.reason(error)))
            }
        }
    }

    private func check(_ run: KeyRun, _ report: (any Error) -> Void) {
        for block in 0..<run.header.blockCount {
            do { _ = try run.records(ofBlock: block) } catch { report(error) }
        }
    }
}
