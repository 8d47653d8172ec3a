/// A file's name below a folder, as events may choose it: checked, so that it cannot lead out of the folder.
///
/// Segments of letters, digits, `.`, `_` and `-` of ASCII, none beginning with a dot, between single slashes.
struct FileName: Sendable, Equatable {
    /// The segments; the last is the file's own name.
    let segments: [String]

    /// The rule that a name breaks; says nothing of the name itself, which may hold personal data.
    enum Fault: String, Error {
        case empty = "is empty"
        case absolute = "begins with a slash; it is relative to \"directory\""
        case tooLong = "is longer than 1024 bytes"
        case tooDeep = "has more than 16 segments"
        case emptySegment = "has an empty segment"
        case dot = "has a segment that begins with a dot"
        case character = "has a character other than letters, digits, \".\", \"_\", \"-\" and \"/\""
        case longSegment = "has a segment of more than 255 bytes, or ends in one of more than 200"
        case rotated = "looks like the name of a rotated file"
    }

    private static let maximumByteCount = 1024
    private static let maximumSegmentCount = 16
    private static let maximumSegmentByteCount = 255
    /// Leaves room for what rotation puts behind a name.
    static let maximumLastByteCount = 200

    /// Checks a name.
    ///
    /// - Throws: the first rule that it breaks.
    init(_ text: String) throws(Fault) {
        let bytes = text.utf8
        if bytes.isEmpty { throw .empty }
        if bytes.count > Self.maximumByteCount { throw .tooLong }
        if bytes.first == UInt8(ascii: "/") { throw .absolute }
        let parts = bytes.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        if parts.count > Self.maximumSegmentCount { throw .tooDeep }
        for part in parts {
            if part.isEmpty { throw .emptySegment }
            if part.first == UInt8(ascii: ".") { throw .dot }
            if part.count > Self.maximumSegmentByteCount { throw .longSegment }
            for byte in part where !Self.isAllowed(byte) { throw .character }
        }
        segments = parts.map { String(decoding: $0, as: UTF8.self) }
        guard let last = segments.last, last.utf8.count <= Self.maximumLastByteCount else { throw .longSegment }
        // An event must not write to what rotation has put away.
        if last.hasSuffix(RotatedName.compressedSuffix) || RotatedName(last) != nil { throw .rotated }
    }

    private static func isAllowed(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"):
            true
        default: false
        }
    }
}
