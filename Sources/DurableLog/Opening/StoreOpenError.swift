/// Why a store cannot be opened: one sentence with path, reason and remedy.
public struct StoreOpenError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The sentence.
    public let description: String

    init(_ description: String) { self.description = description }
}

/// What was found and done when a store was opened.
public struct RecoveryReport: Hashable, Sendable {
    /// Changes read from the commit log.
    public var replayedFrameCount = 0
    /// Bytes of the commit log that were looked at.
    public var scannedByteCount: UInt64 = 0
    /// Whether the metadata was lost or damaged, and made anew from segments and log.
    public var isRebuilt = false
    /// What was set aside.
    public var damage: [DamageNote] = []

    /// A report of nothing.
    public init() {}
}
