import Glibc

/// A table of text, its first column to the left and all others to the right.
struct Table {
    private var rows: [[String]]

    init(_ header: String...) {
        rows = [header]
    }

    mutating func add(_ cells: String...) {
        rows.append(cells)
    }

    mutating func addRow(_ cells: [String]) {
        rows.append(cells)
    }

    /// Writes the table as Markdown, its columns aligned.
    func show() {
        let widths = (0..<(rows.first?.count ?? 0)).map { column in rows.map { $0[column].count }.max() ?? 0 }
        for (number, row) in rows.enumerated() {
            print(
                "| " + row.indices.map { Self.padded(row[$0], widths[$0], isFirst: $0 == 0) }.joined(separator: " | ")
                    + " |"
            )
            if number == 0 {
                let rules = widths.indices.map { String(repeating: "-", count: widths[$0] + 1) + ($0 == 0 ? "-" : ":") }
                print("|" + rules.joined(separator: "|") + "|")
            }
        }
        print()
        fflush(nil)
    }

    private static func padded(_ text: String, _ width: Int, isFirst: Bool) -> String {
        let padding = String(repeating: " ", count: max(0, width - text.count))
        return isFirst ? text + padding : padding + text
    }
}

extension Double {
    /// The number with that many decimals.
    func text(decimals: Int = 0) -> String {
        let factor = (0..<decimals).reduce(1.0) { factor, _ in factor * 10 }
        let scaled = Int((self * factor).rounded())
        guard decimals > 0 else { return String(scaled) }
        let digits = String(scaled.magnitude)
        let padded = String(repeating: "0", count: max(0, decimals + 1 - digits.count)) + digits
        return (scaled < 0 ? "-" : "") + padded.dropLast(decimals) + "." + padded.suffix(decimals)
    }
}
