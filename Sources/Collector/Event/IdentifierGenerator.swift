import EventJSON

/// Makes ids of cryptographically random hexadecimal digits.
///
/// Random bytes are fetched from the system in blocks, since each fetch is a system call.
struct IdentifierGenerator: Sendable {
    private var block: [UInt64] = []
    private static let blockCount = 256

    /// Appends 16 hexadecimal digits that are not all zero: an event's (and a span's) id.
    mutating func appendSpanID(to text: inout ByteWriter) {
        var number: UInt64 = 0
        while number == 0 { number = next() }
        Self.append(number, to: &text)
    }

    /// An event's id.
    mutating func spanID() -> String {
        var text = ByteWriter(capacity: 16)
        appendSpanID(to: &text)
        return String(decoding: text.written, as: UTF8.self)
    }

    /// 32 hexadecimal digits that are not all zero: a run's trace.
    mutating func traceID() -> String {
        spanID() + spanID()
    }

    /// Five letters for a destination that was given no id.
    mutating func destinationID() -> String {
        var number = next()
        return String(
            (0..<5).map { _ in
                let letter = Character(Unicode.Scalar(UInt8(ascii: "a") + UInt8(number % 26)))
                number /= 26
                return letter
            }
        )
    }

    private mutating func next() -> UInt64 {
        if block.isEmpty {
            var system = SystemRandomNumberGenerator()
            block = (0..<Self.blockCount).map { _ in system.next() }
        }
        return block.removeLast()
    }

    private static func append(_ number: UInt64, to text: inout ByteWriter) {
        for shift in stride(from: 60, through: 0, by: -4) {
            let digit = UInt8(truncatingIfNeeded: number >> UInt64(shift)) & 0xF
            text.append(Hexadecimal.digit(digit))
        }
    }
}
