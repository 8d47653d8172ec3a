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
    public static func == (left: ExactString, right: ExactString) -> Bool {
        guard left.string.utf8.count == right.string.utf8.count else { return false }
        var (left, right) = (left.string, right.string)
        return left.withUTF8 { left in right.withUTF8 { ByteText.areEqual(left, $0) } }
    }

    /// Hashes the bytes.
    public func hash(into hasher: inout Hasher) {
        var string = string
        string.withUTF8 { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
        hasher.combine(UInt8(0xFF))
    }
}
