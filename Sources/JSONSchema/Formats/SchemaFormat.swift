/// The values of `format` that are checked. Others are refused, since a check that is not made looks like one that
/// passed.
enum SchemaFormat: String, CaseIterable, Sendable {
    case date
    case dateTime = "date-time"
    case duration
    case email
    case hostname
    case ipv4
    case ipv6
    case jsonPointer = "json-pointer"
    case relativeJSONPointer = "relative-json-pointer"
    case time
    case uri
    case uriReference = "uri-reference"
    case uuid

    /// Whether the text is of the format.
    func matches(_ text: String) -> Bool {
        var cursor = TextCursor(text)
        switch self {
        case .date: return cursor.readDate() && cursor.isAtEnd
        case .time: return cursor.readTime() && cursor.isAtEnd
        case .dateTime:
            return cursor.readDate() && (cursor.read("T") || cursor.read("t")) && cursor.readTime() && cursor.isAtEnd
        case .duration: return cursor.readDuration() && cursor.isAtEnd
        case .uuid: return cursor.readUUID() && cursor.isAtEnd
        case .jsonPointer: return cursor.readJSONPointer() && cursor.isAtEnd
        case .relativeJSONPointer:
            guard cursor.readWholeNumber() else { return false }
            if cursor.read("#") { return cursor.isAtEnd }
            return cursor.readJSONPointer() && cursor.isAtEnd
        case .hostname: return HostText.isHostname(text.utf8[...])
        case .ipv4: return HostText.isIPv4(text.utf8[...])
        case .ipv6: return HostText.isIPv6(text.utf8[...])
        case .email: return EmailText.isAddress(text)
        case .uri: return ReferenceText.isURI(text)
        case .uriReference: return ReferenceText.isReference(text)
        }
    }
}

/// Reads a text byte by byte.
struct TextCursor {
    private let bytes: [UInt8]
    private var position = 0

    init(_ text: String) {
        bytes = Array(text.utf8)
    }

    var isAtEnd: Bool { position == bytes.count }
    var next: UInt8? { position < bytes.count ? bytes[position] : nil }

    mutating func read(_ scalar: Unicode.Scalar) -> Bool {
        guard next == UInt8(ascii: scalar) else { return false }
        position += 1
        return true
    }

    mutating func skip() {
        position = min(position + 1, bytes.count)
    }

    /// That many digits, as a number.
    mutating func readNumber(digits: Int) -> Int? {
        var number = 0
        for _ in 0..<digits {
            guard let byte = next, 0x30...0x39 ~= byte else { return nil }
            number = number * 10 + Int(byte - 0x30)
            position += 1
        }
        return number
    }

    /// At least one digit.
    mutating func readDigits() -> Bool {
        let start = position
        while let byte = next, 0x30...0x39 ~= byte { position += 1 }
        return position > start
    }

    /// A number without a leading zero.
    mutating func readWholeNumber() -> Bool {
        if read("0") { return !(next.map { 0x30...0x39 ~= $0 } ?? false) }
        return readDigits()
    }
}

// MARK: - Times (RFC 3339)

extension TextCursor {
    /// `2026-02-28`, a day that exists.
    mutating func readDate() -> Bool {
        guard let year = readNumber(digits: 4), read("-"), let month = readNumber(digits: 2), read("-"),
            let day = readNumber(digits: 2), 1...12 ~= month
        else { return false }
        let isLeapYear = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
        let days = [31, isLeapYear ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
        return 1...days[month - 1] ~= day
    }

    /// `13:05:59.5+01:00`; a second 60 only where UTC can have one.
    mutating func readTime() -> Bool {
        guard let hour = readNumber(digits: 2), read(":"), let minute = readNumber(digits: 2), read(":"),
            let second = readNumber(digits: 2), 0...23 ~= hour, 0...59 ~= minute, 0...60 ~= second
        else { return false }
        if read("."), !readDigits() { return false }
        guard let offset = readOffset() else { return false }
        return second < 60 || (hour * 60 + minute - offset + 2880) % 1440 == 1439
    }

    /// Minutes east of UTC.
    private mutating func readOffset() -> Int? {
        if read("Z") || read("z") { return 0 }
        let isWest = read("-")
        guard isWest || read("+") else { return nil }
        guard let hour = readNumber(digits: 2), read(":"), let minute = readNumber(digits: 2), 0...23 ~= hour,
            0...59 ~= minute
        else { return nil }
        return (isWest ? -1 : 1) * (hour * 60 + minute)
    }

    /// `P3Y6M4DT12H30M5S`, `P2W`; units follow each other without a gap.
    mutating func readDuration() -> Bool {
        guard read("P") else { return false }
        var read = readUnits(["Y", "M", "D"])
        guard let dates = read else { return false }
        if dates == 0, next != UInt8(ascii: "T") {
            read = readUnits(["W"])
            return read == 1
        }
        if !self.read("T") { return dates > 0 }
        return readUnits(["H", "M", "S"]).map { $0 > 0 } ?? false
    }

    /// The number of units read; nil if they are out of order. A number that no unit follows is read again.
    private mutating func readUnits(_ units: [Unicode.Scalar]) -> Int? {
        var count = 0
        var previous: Int?
        while true {
            let start = position
            guard readDigits() else { return count }
            guard let byte = next, let unit = units.firstIndex(where: { UInt8(ascii: $0) == byte }) else {
                position = start
                return count
            }
            if let previous, unit != previous + 1 { return nil }
            previous = unit
            position += 1
            count += 1
        }
    }
}

// MARK: - Identifiers and pointers

extension TextCursor {
    mutating func readUUID() -> Bool {
        for (index, count) in [8, 4, 4, 4, 12].enumerated() {
            if index > 0, !read("-") { return false }
            for _ in 0..<count {
                guard let byte = next, HexDigit.isHexDigit(byte) else { return false }
                position += 1
            }
        }
        return true
    }

    mutating func readJSONPointer() -> Bool {
        guard isAtEnd || next == UInt8(ascii: "/") else { return false }
        while let byte = next {
            position += 1
            if byte == UInt8(ascii: "~"), !read("0"), !read("1") { return false }
        }
        return true
    }
}

enum HexDigit {
    static func isHexDigit(_ byte: UInt8) -> Bool {
        0x30...0x39 ~= byte || UInt8(ascii: "a")...UInt8(ascii: "f") ~= byte | 0x20
    }
}
