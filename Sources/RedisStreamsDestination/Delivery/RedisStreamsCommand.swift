public import Collector
import EventJSON

/// The XADD command of an event: what is sent, for the wire and for people.
///
/// `XADD <streamKey> [MAXLEN [~] <maxLen>] * <field> <value> …` (a single writer puts an id for `*`), from the event as policies and the rule's name left
/// it. Mapped data is not written: that is walkerOS' rule for this destination.
public enum RedisStreamsCommand {
    /// The arguments after `XADD` that ``RedisStreamsDestination`` sends for a delivery, in order, byte for byte.
    ///
    /// ```swift
    /// let arguments = RedisStreamsCommand.arguments(for: delivery, settings: RedisStreamsSettings(streamKey: "events"))
    /// // "events", "*", "event", {"name":"page view",…}
    /// ```
    public static func arguments(for delivery: Delivery, settings: RedisStreamsSettings) -> [[UInt8]] {
        var list = RedisArgumentList()
        var writer = RedisStreamsWriter(settings: settings)
        writer.write(delivery, to: &list)
        return Array(list.arguments.dropFirst())
    }

    /// Names and values of the entry's fields alone.
    static func fields(of delivery: Delivery, settings: RedisStreamsSettings) -> [[UInt8]] {
        var plain = settings
        plain.maximumLength = nil
        return Array(arguments(for: delivery, settings: plain).dropFirst(2))
    }
}

/// The arguments of a command as a list.
struct RedisArgumentList: RedisArgumentWriter {
    private(set) var arguments: [[UInt8]] = []

    mutating func beginCommand(argumentCount: Int) {
        arguments.reserveCapacity(argumentCount)
    }

    mutating func beginCommand(_ head: RedisCommandHead) {
        arguments += head.arguments
    }

    mutating func argument(_ bytes: UnsafeRawBufferPointer) {
        arguments.append(Array(bytes))
    }

    mutating func endCommand() {}
}
