/// When a file is put away and a new one begun, and how many of the old ones stay. A value: it only decides.
public struct FileRotation: Sendable, Equatable {
    /// The bytes that a file should not pass; a single longer line goes alone. Nil for no limit.
    public var maximumByteCount: Int?
    /// Milliseconds from a file's first line until it is put away. Nil for no limit.
    public var maximumAgeMilliseconds: Int?
    /// How many files that were put away stay; beyond it the oldest is deleted. Nil to keep all.
    public var keptCount: Int?

    /// A rotation with these limits; without size and age there is none.
    public init(maximumByteCount: Int? = nil, maximumAgeMilliseconds: Int? = nil, keptCount: Int? = nil) {
        self.maximumByteCount = maximumByteCount
        self.maximumAgeMilliseconds = maximumAgeMilliseconds
        self.keptCount = keptCount
    }

    /// What is to be done with a file to write lines.
    enum Step: Equatable {
        /// Put the file away and begin a new one.
        case rotate
        /// Append these lines with one write.
        case append(Range<Int>)
    }

    /// A file as rotation sees it.
    struct File: Equatable {
        /// Its length.
        var byteCount: Int
        /// When its first line was written; nil if it has none.
        var firstLineMilliseconds: Int?
    }

    /// Whether the file's age has passed.
    func isTooOld(_ file: File, nowMilliseconds: Int) -> Bool {
        guard let maximumAgeMilliseconds, let first = file.firstLineMilliseconds else { return false }
        return nowMilliseconds - first >= maximumAgeMilliseconds
    }

    /// The next step on the way of the lines, from the first that is not written, into the file and those after it.
    ///
    /// - Parameters:
    ///   - lineEnds: Where each line ends in the text of all; there is one from `first` on.
    ///   - headerByteCount: What a new file has in front of its lines.
    func step(for lineEnds: [Int], from first: Int, headerByteCount: Int, file: File, nowMilliseconds: Int) -> Step {
        if isTooOld(file, nowMilliseconds: nowMilliseconds) { return .rotate }
        guard let maximumByteCount else { return .append(first..<lineEnds.count) }
        let start = first == 0 ? 0 : lineEnds[first - 1]
        let rest = lineEnds[lineEnds.count - 1] - start
        if file.firstLineMilliseconds != nil, file.byteCount + rest > maximumByteCount { return .rotate }
        let byteCount = file.byteCount == 0 ? headerByteCount : file.byteCount
        var last = first + 1
        while last < lineEnds.count, byteCount + lineEnds[last] - start <= maximumByteCount { last += 1 }
        return .append(first..<last)
    }
}
