public import EventJSON
public import Logging

/// Where events go: a Redis stream, a file, a web service.
///
/// A destination only delivers. The collector asks consent, maps, batches, keeps the order, applies the time limit,
/// counts, and keeps what could not be delivered. It calls `initialize` once before the first delivery, then
/// `deliver` with one batch at a time, and `destroy` at the end.
///
/// ```swift
/// struct Printer: Destination {
///     var type: String { "printer" }
///     func deliver(_ batch: DeliveryBatch) async -> [DeliveryOutcome] {
///         batch.deliveries.map { delivery in
///             print(delivery.event.name)
///             return .delivered()
///         }
///     }
/// }
/// ```
public protocol Destination: Sendable {
    /// The destination's type for logs and status, such as "redis".
    var type: String { get }

    /// Prepares for delivery; called before the first one, and again, after pauses, until it returns `ready`.
    ///
    /// Calls never overlap, and happen only once consent allows an event through. The destination's events wait
    /// meanwhile. A thrown error is logged and counted. At the time limit the call is cancelled, and waited for.
    func initialize(_ context: DestinationContext) async throws -> DestinationReadiness

    /// Delivers the batch and says of each event what became of it, in the batch's order.
    ///
    /// A missing outcome counts as a retry. Cancellation means that the time limit has passed: return what is known
    /// within a second. A call that does not return by then is left behind, and the batch may be brought again.
    func deliver(_ batch: DeliveryBatch) async -> [DeliveryOutcome]

    /// Whether the destination wants to hear of changes of the collector's state. Default false.
    var observesStateChanges: Bool { get }

    /// Hears of a change of the collector's state, in order with the events, once `initialize` has succeeded.
    func on(_ change: StateChange, _ context: DestinationContext) async throws

    /// Ends work and releases what the destination owns. Called once, after the last delivery has ended, or five seconds
    /// after the collector's end began.
    func destroy(_ context: DestinationContext) async throws
}

extension Destination {
    /// Nothing to prepare.
    public func initialize(_ context: DestinationContext) async throws -> DestinationReadiness { .ready }
    /// Changes of state do not matter.
    public var observesStateChanges: Bool { false }
    /// Changes of state do not matter.
    public func on(_ change: StateChange, _ context: DestinationContext) async throws {}
    /// Nothing to release.
    public func destroy(_ context: DestinationContext) async throws {}
}

/// A destination that can have several batches under way, begun in order, and answers through a callback.
///
/// This is the fast way for a client that pipelines. `deliver(_:completion:)` must return at once, without blocking,
/// and call `completion` exactly once with one outcome per event, from any thread, within a time limit of its own: nobody
/// ends its deliveries for it.
public protocol PipelinedDestination: Destination {
    /// Begins the delivery of the batch after those begun before.
    func deliver(_ batch: DeliveryBatch, completion: @escaping @Sendable ([DeliveryOutcome]) -> Void)
}

extension PipelinedDestination {
    /// Delivers one batch and waits for its outcomes.
    public func deliver(_ batch: DeliveryBatch) async -> [DeliveryOutcome] {
        await withCheckedContinuation { continuation in
            deliver(batch) { continuation.resume(returning: $0) }
        }
    }
}

/// Whether a destination can take events.
public enum DestinationReadiness: Sendable {
    /// Events may come.
    case ready
    /// Not yet: the collector keeps the events and asks again with the next one.
    case notReady
}

/// What a destination needs to know of its place in the collector.
public struct DestinationContext: Sendable {
    /// The destination's id in the collector.
    public let id: String
    /// A logger that names the destination.
    public let logger: Logger
    /// The destination's `settings`; missing if there are none.
    public let settings: JSONValue
    /// The destination's `env`; missing if there is none.
    public let environment: JSONValue

    /// A context with the given parts.
    public init(id: String, logger: Logger, settings: JSONValue = .missing, environment: JSONValue = .missing) {
        self.id = id
        self.logger = logger
        self.settings = settings
        self.environment = environment
    }
}

/// A change of the collector's state that destinations may hear of.
public struct StateChange: Sendable, Equatable {
    /// "consent", "user", "globals", "custom", "run", "ready", "config" or another broadcast type.
    public let type: String
    /// What was set; missing where there is nothing to say.
    public let data: JSONValue

    /// A change of that type.
    public init(type: String, data: JSONValue) {
        self.type = type
        self.data = data
    }
}
