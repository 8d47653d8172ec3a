public import EventJSON

/// The events that a destination is asked to deliver together, in order.
public struct DeliveryBatch: Sendable {
    /// The events with what mapping made of them; never empty.
    public let deliveries: [Delivery]
    /// Whether batch options gathered the events; otherwise they only happened to wait together.
    public let isGathered: Bool

    /// A batch of these deliveries.
    public init(_ deliveries: [Delivery], isGathered: Bool = false) {
        self.deliveries = deliveries
        self.isGathered = isGathered
    }
}

/// One event on its way to one destination.
public struct Delivery: Sendable {
    /// The event as policies, the rule's name, granted consent and the collector's user left it.
    public let event: Event
    /// The rule that matched, if any; its `settings` are the destination's.
    public let rule: MappingRule?
    private let content: MappedData

    /// A delivery of that event.
    public init(event: Event, data: JSONValue = .missing, rule: MappingRule? = nil) {
        self.event = event
        self.content = .tree(data)
        self.rule = rule
    }

    /// A delivery of what mapping made of an event.
    init(_ mapped: MappedEvent) {
        event = mapped.event
        content = mapped.content
        rule = mapped.rule
    }

    /// What the mapping's `data`, `include` and `remove` produced, as a tree; missing if nothing.
    public var data: JSONValue { content.value }
    /// The same as compact JSON text; empty if nothing. Costs less than the tree.
    public var dataJSON: [UInt8] { content.json }
    /// Whether the mapping produced data.
    public var hasData: Bool { !content.isMissing }
}

/// What became of one event at one destination.
public enum DeliveryOutcome: Sendable, Equatable {
    /// The destination has it. `response` is what it answered, such as the id of the new entry; missing if nothing.
    case delivered(response: JSONValue = .missing)
    /// It may succeed later, at the earliest after the given time if there is one.
    case retry(after: Duration? = nil, reason: String)
    /// It will not succeed however often it is tried.
    case rejected(reason: String)
}
