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

    /// The steps that bring the lines into the file and those after it.
    ///
    /// - Parameters:
    ///   - lineEnds: Where each line ends in the text of all.
    ///   - headerByteCount: What a new file has in front of its lines.
    func steps(for lineEnds: [Int], headerByteCount: Int, file: File, nowMilliseconds: Int) -> [Step] {
        var steps: [Step] = []
        var byteCount = file.byteCount
        var hasLines = file.firstLineMilliseconds != nil
        if isTooOld(file, nowMilliseconds: nowMilliseconds) {
            steps.append(.rotate)
            byteCount = 0
            hasLines = false
        }
        guard let maximumByteCount else { return steps + [.append(0..<lineEnds.count)] }
        var first = 0
        while first < lineEnds.count {
            let start = first == 0 ? 0 : lineEnds[first - 1]
            let rest = lineEnds[lineEnds.count - 1] - start
            if hasLines, byteCount + rest > maximumByteCount {
                steps.append(.rotate)
                byteCount = 0
            }
            if byteCount == 0 { byteCount = headerByteCount }
            var last = first + 1
            while last < lineEnds.count, byteCount + lineEnds[last] - start <= maximumByteCount { last += 1 }
            steps.append(.append(first..<last))
            byteCount += lineEnds[last - 1] - start
            hasLines = true
            first = last
        }
        return steps
    }
}
