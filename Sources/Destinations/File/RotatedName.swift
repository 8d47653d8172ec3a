import Collector

/// The name of a file that was put away: `events-20251121T142300-1.jsonl`, or `….jsonl.gz` when it is compressed.
struct RotatedName: Sendable, Equatable, Comparable {
    /// The name without its ending: `events`.
    let stem: String
    /// When it was put away, in UTC: `20251121T142300`.
    let time: String
    /// Tells apart what was put away in one second, from 1.
    let number: Int
    /// The ending with its dot: `.jsonl`; empty if there is none.
    let ending: String

    static let compressedSuffix = ".gz"
    private static let timeByteCount = 15

    /// The name that the file had before.
    var activeName: String { stem + ending }
    /// The name as it is before compression.
    var plain: String { "\(stem)-\(time)-\(number)\(ending)" }
    /// The name of the compressed file.
    var compressed: String { plain + Self.compressedSuffix }
    /// The name of the compressed file while it is being written; no active file begins with a dot.
    var draft: String { ".\(compressed)\(Self.draftSuffix)" }
    private static let draftSuffix = ".part"

    /// The name for a file that is put away now, later in order than `last` whatever the clock says.
    init(of name: String, after last: RotatedName?, nowMilliseconds: Int) {
        (stem, ending) = Self.split(name)
        let now = Self.timeText(nowMilliseconds)
        if let last, last.time >= now {
            time = last.time
            number = last.number + 1
        } else {
            time = now
            number = 1
        }
    }

    /// Takes a name apart, compressed or not; nil if it is another file's.
    init?(_ name: String) {
        let plain = name.hasSuffix(Self.compressedSuffix) ? String(name.dropLast(Self.compressedSuffix.count)) : name
        let (base, ending) = Self.split(plain)
        let parts = base.utf8.split(separator: UInt8(ascii: "-"), omittingEmptySubsequences: false)
        guard parts.count >= 3, let last = parts.last, let number = Int(Substring(last)), number > 0,
            String(number).utf8.elementsEqual(last)
        else { return nil }
        let time = Substring(parts[parts.count - 2])
        guard Self.isTime(time) else { return nil }
        let stem = base.utf8.dropLast(last.count + 1 + time.utf8.count + 1)
        guard !stem.isEmpty else { return nil }
        self.stem = String(decoding: stem, as: UTF8.self)
        self.time = String(time)
        self.number = number
        self.ending = ending
    }

    /// The name whose draft has that name; nil if it is no draft.
    init?(draft: String) {
        let suffix = Self.compressedSuffix + Self.draftSuffix
        guard draft.hasPrefix("."), draft.hasSuffix(suffix) else { return nil }
        self.init(String(draft.dropFirst().dropLast(suffix.count)))
    }

    static func < (left: RotatedName, right: RotatedName) -> Bool {
        (left.time, left.number) < (right.time, right.number)
    }

    /// What stands before the last dot, and the rest. A dot in front begins no ending.
    private static func split(_ name: String) -> (stem: String, ending: String) {
        guard let dot = name.utf8.lastIndex(of: UInt8(ascii: ".")), dot > name.startIndex else { return (name, "") }
        return (String(name[..<dot]), String(name[dot...]))
    }

    private static func isTime(_ text: Substring) -> Bool {
        text.utf8.count == timeByteCount
            && text.utf8.enumerated().allSatisfy { offset, byte in
                offset == 8 ? byte == UInt8(ascii: "T") : (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
            }
    }

    private static func timeText(_ milliseconds: Int) -> String {
        let text = ISOTime.text(ofMilliseconds: milliseconds) ?? "00000101T000000"
        return String(text.prefix { $0 != "." }.filter { $0 != "-" && $0 != ":" })
    }
}
