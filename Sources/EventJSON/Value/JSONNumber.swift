/// A number that remembers its text, so that `0.1`, `1e21`, `12345678901234567890` and `-0` leave as they came.
///
/// Numbers made from Swift values get JavaScript's shortest text (`100`, `1e+21`, `1e-7`). `NaN` and the infinities
/// exist, because a query string can produce them; JSON text writes them as `null`.
public struct JSONNumber: Sendable {
    /// The number's text: as received, or JavaScript's form of a computed number.
    public let text: String

    /// A number from JSON text that has been validated.
    @usableFromInline
    init(validated text: String) {
        self.text = text
    }

    /// An integer.
    public init(_ value: Int) {
        self.text = String(value)
    }

    /// A number in JavaScript's shortest form.
    public init(_ value: Double) {
        self.text = JavaScriptNumber.text(of: value)
    }

    /// The value as a double; integers beyond 2^53 are rounded, as JavaScript does.
    public var double: Double {
        switch text {
        case "Infinity": .infinity
        case "-Infinity": -.infinity
        case "NaN": .nan
        default: Double(text) ?? .nan
        }
    }

    /// The value as an integer if it is one and fits.
    public var integer: Int? {
        Int(text) ?? Int(exactly: double)
    }

    /// Whether the number is neither an infinity nor NaN.
    public var isFinite: Bool {
        switch text.utf8.first {
        case UInt8(ascii: "I"), UInt8(ascii: "N"): false
        case UInt8(ascii: "-"): text != "-Infinity"
        default: true
        }
    }

    /// Whether the number is NaN.
    public var isNotANumber: Bool {
        text == "NaN"
    }
}

extension JSONNumber: Equatable {
    /// Numbers are equal when their text or their double is.
    public static func == (left: JSONNumber, right: JSONNumber) -> Bool {
        left.text == right.text || left.double == right.double
    }
}
