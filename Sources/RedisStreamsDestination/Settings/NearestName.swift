/// Finds what somebody may have meant.
enum NearestName {
    /// The known name with the fewest edits, if there are few: ` (did you mean "maxLen"?)`, or nothing.
    static func hint(for name: String, among known: [String]) -> String {
        let nearest = known.map { (name: $0, distance: distance(name.lowercased(), $0.lowercased())) }
            .min { $0.distance < $1.distance }
        guard let nearest, nearest.distance <= max(1, nearest.name.count / 3) else { return "" }
        return " (did you mean \"\(nearest.name)\"?)"
    }

    /// The number of characters to insert, delete or replace (Levenshtein), of names up to 64 characters.
    static func distance(_ first: String, _ second: String) -> Int {
        let first = Array(first.prefix(64))
        let second = Array(second.prefix(64))
        var row = Array(0...second.count)
        for (line, character) in first.enumerated() {
            var diagonal = row[0]
            row[0] = line + 1
            for (column, other) in second.enumerated() {
                let replaced = diagonal + (character == other ? 0 : 1)
                diagonal = row[column + 1]
                row[column + 1] = min(replaced, row[column] + 1, row[column + 1] + 1)
            }
        }
        return row[second.count]
    }
}
