public import EventJSON

/// How a collector begins: its name, initial state and bounds.
public struct CollectorOptions: Sendable {
    /// Whether the run begins at once. Default true; otherwise events wait for the `run` command.
    public var run = true
    /// The flow's name, the key under which `release` stands in an event's `source.release`.
    public var name: String?
    /// The release that events name in `source.release`. Default: collectord's version.
    public var release = CollectorVersion.current
    /// Consent states to begin with.
    public var consent = JSONObject()
    /// The user to begin with.
    public var user = JSONObject()
    /// Globals to begin with; laid over `globalsStatic`.
    public var globals = JSONObject()
    /// Globals that every run begins with.
    public var globalsStatic = JSONObject()
    /// Custom properties to begin with.
    public var custom = JSONObject()
    /// Events kept for late destinations, and events kept before the run. Default 1 000 each.
    public var maximumQueueCount = 1000
    /// The largest event, in bytes as its sender wrote it. Default 262 144.
    public var maximumEventByteCount = 262_144
    /// Bytes of those events, each of the two together. Default 64 MiB.
    public var maximumQueueByteCount = 64 << 20
    /// Bytes of events in memory, counted over the whole process, from which new ones are refused for now. Default 1 GiB.
    public var maximumMemoryByteCount = 1 << 30
    /// The least that a flow may set it to: the largest events must have room.
    package static let leastEventByteCount = 16 << 20
    /// Bounds of the JSON that senders may send.
    public var limits = JSONLimits()

    /// Options with defaults.
    public init() {}
}

/// The version of this package.
public enum CollectorVersion {
    /// Such as "0.1.0".
    public static let current = "0.1.0"
}
