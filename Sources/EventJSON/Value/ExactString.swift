/// A string compared byte by byte.
///
/// Swift takes canonically equivalent strings for equal ("é" in one scalar or in two); JSON and JavaScript do not.
public struct ExactString: Hashable, Sendable {
    /// The string.
    public let string: String

    /// Wraps a string for comparison.
    @inlinable
    public init(_ string: String) {
        self.string = string
    }

    /// Whether both strings have the same bytes.
    @inlinable
    public static func == (left: ExactString, right: ExactString) -> Bool {
        left.string.utf8.count == right.string.utf8.count && left.string.utf8.elementsEqual(right.string.utf8)
    }

    /// Hashes the bytes.
    @inlinable
    public func hash(into hasher: inout Hasher) {
        for byte in string.utf8 { hasher.combine(byte) }
        hasher.combine(UInt8(0xFF))
    }
}
