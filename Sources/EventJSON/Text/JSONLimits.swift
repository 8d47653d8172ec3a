/// How large and deep a JSON text may be before it is refused.
public struct JSONLimits: Sendable, Equatable {
    /// Bytes of the whole text. Default 1 MiB.
    public var maximumByteCount: Int
    /// Nested arrays and objects; the outermost counts as one. Default 64.
    public var maximumDepth: Int

    /// Limits with the given values.
    public init(maximumByteCount: Int = 1 << 20, maximumDepth: Int = 64) {
        self.maximumByteCount = maximumByteCount
        self.maximumDepth = maximumDepth
    }
}
