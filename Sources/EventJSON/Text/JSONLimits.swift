/// How large and deep a JSON text may be before it is refused.
public struct JSONLimits: Sendable, Equatable {
    /// Bytes of the whole text. Default 1 MiB.
    public var maximumByteCount: Int
    /// Nested arrays and objects; the outermost counts as one. Default 64.
    public var maximumDepth: Int

    /// Members of one object. Default 1 000.
    public var maximumMemberCount: Int

    /// Limits with the given values.
    public init(maximumByteCount: Int = 1 << 20, maximumDepth: Int = 64, maximumMemberCount: Int = 1000) {
        self.maximumByteCount = maximumByteCount
        self.maximumDepth = maximumDepth
        self.maximumMemberCount = maximumMemberCount
    }

    /// No limits: for text that comes from no stranger, such as what this process wrote itself.
    public static let unbounded = JSONLimits(
        maximumByteCount: .max,
        maximumDepth: .max,
        maximumMemberCount: .max
    )
}
