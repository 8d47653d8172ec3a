import HeapModule

/// When files are to be looked at because of their age, the soonest first; each file once.
struct FileAges {
    private struct Entry: Comparable {
        let milliseconds: Int
        let place: FilePlace

        static func < (left: Entry, right: Entry) -> Bool { left.milliseconds < right.milliseconds }
    }

    private var entries = Heap<Entry>()
    private var paths: Set<String> = []

    /// When the first is due, in milliseconds since 1970.
    var firstMilliseconds: Int? { entries.min?.milliseconds }

    /// Adds a file, unless it is there already.
    mutating func insert(_ place: FilePlace, dueMilliseconds: Int) {
        if paths.insert(place.path).inserted { entries.insert(Entry(milliseconds: dueMilliseconds, place: place)) }
    }

    /// Takes out a file that is due.
    mutating func popDue(nowMilliseconds: Int) -> FilePlace? {
        guard let first = entries.min, first.milliseconds <= nowMilliseconds else { return nil }
        entries.removeMin()
        paths.remove(first.place.path)
        return first.place
    }
}
