import Synchronization

/// A damaged place that was found.
public struct DamageNote: Hashable, Sendable {
    /// The file, or the part of the store.
    public var place: String
    /// Where in it.
    public var byteRange: Range<UInt64>
    /// What is wrong, and what became of it.
    public var what: String
}

/// Where damaged bytes are set aside, and how many times that was needed.
final class Quarantine: Sendable {
    private let paths: StorePaths
    private let files: any FileSystem
    private let notes = Mutex<(list: [DamageNote], known: Set<String>)>(([], []))
    private let report: @Sendable (DamageNote) -> Void

    init(_ paths: StorePaths, _ files: any FileSystem, report: @escaping @Sendable (DamageNote) -> Void) {
        self.paths = paths
        self.files = files
        self.report = report
    }

    var count: UInt64 { UInt64(notes.withLock { $0.known.count }) }

    /// The first hundred.
    var list: [DamageNote] { notes.withLock { $0.list } }

    /// Notes damage once, with a copy of its bytes.
    func note(_ place: String, _ byteRange: Range<UInt64>, _ what: String, bytes: UnsafeRawBufferPointer? = nil) {
        let note = DamageNote(place: place, byteRange: byteRange, what: what)
        let isNew = notes.withLock { notes in
            let isNew = notes.known.insert("\(place)@\(byteRange.lowerBound)").inserted
            if isNew, notes.list.count < 100 { notes.list.append(note) }
            return isNew
        }
        guard isNew else { return }
        report(note)
        guard let bytes, !bytes.isEmpty else { return }
        let name =
            place.utf8.split(separator: UInt8(ascii: "/")).last.map { String(decoding: $0, as: UTF8.self) } ?? "bytes"
        // What cannot be set aside stays where it is; it was reported.
        try? files.makeDirectory(paths.quarantine)
        if let file = try? files.open("\(paths.quarantine)/\(name)@\(byteRange.lowerBound)", .create) {
            try? file.write(bytes, at: 0)
        }
    }
}
