/// A number of bytes as users write it: `1500000`, `500MB`, `10GiB`.
struct ByteSize: Equatable, CustomStringConvertible {
    let byteCount: UInt64

    private static let units: [(name: String, byteCount: UInt64)] = [
        ("", 1), ("b", 1), ("kb", 1_000), ("mb", 1_000_000), ("gb", 1_000_000_000), ("tb", 1_000_000_000_000),
        ("kib", 1 << 10), ("mib", 1 << 20), ("gib", 1 << 30), ("tib", 1 << 40),
    ]

    init(byteCount: UInt64) { self.byteCount = byteCount }

    /// Nil for what is no size, or too large a one.
    init?(_ text: String) {
        guard let value = Measure.value(text, units: Self.units) else { return nil }
        byteCount = value
    }

    var description: String {
        for (unit, byteCount) in [("GiB", UInt64(1) << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)]
        where self.byteCount >= byteCount && self.byteCount % byteCount == 0 {
            return "\(self.byteCount / byteCount)\(unit)"
        }
        return "\(byteCount) bytes"
    }
}

/// A span of time as users write it: `7d`, `36h`, `90m`, `30s`.
struct TimeSpan: Equatable {
    let milliseconds: UInt64

    private static let units: [(name: String, milliseconds: UInt64)] = [
        ("s", 1_000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000), ("w", 604_800_000),
    ]

    init(milliseconds: UInt64) { self.milliseconds = milliseconds }

    /// Nil for what is no span of time, or too large a one.
    init?(_ text: String) {
        guard let value = Measure.value(text, units: Self.units) else { return nil }
        milliseconds = value
    }
}

private enum Measure {
    /// A whole number with one of the units behind it, in capitals or not, with a space between or not.
    static func value(_ text: String, units: [(name: String, UInt64)]) -> UInt64? {
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        let unit = text.dropFirst(digits.count).drop { $0 == " " }.lowercased()
        guard let number = UInt64(digits), let factor = units.first(where: { $0.name == unit })?.1 else { return nil }
        let (value, overflows) = number.multipliedReportingOverflow(by: factor)
        return overflows ? nil : value
    }
}
