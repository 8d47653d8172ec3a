/// A place in a stream: what a reader has read up to, and where it goes on.
///
/// Written as `0000000000000000_0000000000000042`, so that offsets compare as text as they compare as values. The
/// position grows by a message's bytes and one, so every message has an end of its own.
public struct StreamOffset: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// The largest value of either number: sixteen digits.
    public static let maximumValue: UInt64 = 9_999_999_999_999_999

    /// Where every stream begins.
    public static let zero = StreamOffset(position: 0)

    /// Which reading of the stream the position belongs to; 0 in all streams of today.
    public var readSequence: UInt64

    /// Bytes before it, and one for each message before it.
    public var position: UInt64

    /// An offset of its two numbers.
    public init(readSequence: UInt64 = 0, position: UInt64) {
        self.readSequence = readSequence
        self.position = position
    }

    /// The offset a text names; `nil` when it is no two numbers of sixteen digits.
    public init?(_ text: some StringProtocol) {
        let digits = Array(text.utf8)
        guard digits.count == 33, digits[16] == UInt8(ascii: "_") else { return nil }
        func number(_ range: Range<Int>) -> UInt64? {
            var value: UInt64 = 0
            for digit in digits[range] {
                guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(digit) else { return nil }
                value = value * 10 + UInt64(digit - UInt8(ascii: "0"))
            }
            return value
        }
        guard let readSequence = number(0..<16), let position = number(17..<33) else { return nil }
        self.init(readSequence: readSequence, position: position)
    }

    /// Sixteen digits, an underscore, sixteen digits.
    public var description: String {
        func padded(_ value: UInt64) -> String {
            let text = String(value)
            return String(repeating: "0", count: max(0, 16 - text.count)) + text
        }
        return padded(readSequence) + "_" + padded(position)
    }

    /// Whether one offset comes before another.
    public static func < (left: StreamOffset, right: StreamOffset) -> Bool {
        (left.readSequence, left.position) < (right.readSequence, right.position)
    }
}
