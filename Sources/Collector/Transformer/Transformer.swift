public import EventJSON
public import Logging

/// A step that changes, checks or leaves out events on their way: before the collector, or before a destination.
///
/// ```swift
/// struct Shout: ImmediateTransformer {
///     var type: String { "shout" }
///     func transform(_ input: TransformerInput) throws -> TransformerResult {
///         var event = input.event
///         event[.name] = .string(event.name.uppercased())
///         return .changed(TransformedEvent(event))
///     }
/// }
/// ```
///
/// An event never passes by a transformer that fails: before the collector it is not accepted, at a destination the
/// call is repeated within the destination's time limit, and the event then becomes a dead letter.
public protocol Transformer: Sendable {
    /// The transformer's type for logs, such as "validate".
    var type: String { get }

    /// Whether `initialize` is to be called before the first event.
    var needsInitialization: Bool { get }

    /// Prepares; called again with a later event until it succeeds. Calls never overlap.
    func initialize(_ context: TransformerContext) async throws

    /// What becomes of an event. May be called for several events at a time.
    func transform(_ input: TransformerInput) async throws -> TransformerResult

    /// Releases what the transformer owns. Called once, after the last event.
    func destroy(_ context: TransformerContext) async throws
}

extension Transformer {
    /// It is.
    public var needsInitialization: Bool { true }
    /// Nothing to prepare.
    public func initialize(_ context: TransformerContext) async throws {}
    /// Nothing to release.
    public func destroy(_ context: TransformerContext) async throws {}
}

/// A transformer that answers at once. No task is started for it.
///
/// It must not block, and must not call the collector: before the collector it runs under the collector's lock.
public protocol ImmediateTransformer: Transformer {
    /// What becomes of an event.
    func transform(_ input: TransformerInput) throws -> TransformerResult
}

extension ImmediateTransformer {
    /// Nothing to prepare.
    public var needsInitialization: Bool { false }
    /// What becomes of an event.
    public func transform(_ input: TransformerInput) async throws -> TransformerResult {
        let answer: (TransformerInput) throws -> TransformerResult = transform
        return try answer(input)
    }
}

/// What a transformer is given.
public struct TransformerInput: Sendable {
    /// The event; before the collector only what its sender wrote.
    public let event: Event
    /// What the source noted of the request, and what steps before added; missing if nothing.
    public let ingest: JSONValue
    /// The collector's consent, for events that bring none.
    public let consent: JSONObject
    /// The time in milliseconds since 1970.
    public let nowMilliseconds: Int

    /// An input with these parts.
    public init(event: Event, ingest: JSONValue = .missing, consent: JSONObject = [:], nowMilliseconds: Int = 0) {
        self.event = event
        self.ingest = ingest
        self.consent = consent
        self.nowMilliseconds = nowMilliseconds
    }
}

/// An event as a transformer leaves it.
public struct TransformedEvent: Sendable {
    /// The event.
    public var event: Event
    /// What later steps see as `ingest`; nil leaves it.
    public var ingest: JSONValue?
    /// The transformers that follow, instead of the configured ones; nil for those. An unknown id fails the event.
    public var next: [String]?

    /// An event and what is to follow.
    public init(_ event: Event, ingest: JSONValue? = nil, next: [String]? = nil) {
        self.event = event
        self.ingest = ingest
        self.next = next
    }
}

/// What becomes of an event at a transformer.
public enum TransformerResult: Sendable {
    /// It goes on as it is.
    case unchanged
    /// It goes on like this.
    case changed(TransformedEvent)
    /// It goes no further, on purpose. It is counted as left out.
    case dropped
    /// It becomes several events, each of which goes on. Those that kept the event's id get ids of their own.
    case several([TransformedEvent])
}

/// What a transformer needs to know of its place in the collector.
public struct TransformerContext: Sendable {
    /// The transformer's id.
    public let id: String
    /// A logger that names the transformer.
    public let logger: Logger

    /// A context with the given parts.
    public init(id: String, logger: Logger) {
        self.id = id
        self.logger = logger
    }
}
