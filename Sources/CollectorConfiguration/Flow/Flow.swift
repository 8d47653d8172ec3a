public import Collector
public import EventJSON
public import Logging

/// A flow, ready to run: where events come from, what the collector begins with, where they go.
public struct Flow: Sendable {
    /// A source of the flow.
    public struct Source: Sendable {
        /// The source's id.
        public let id: String
        /// What it is.
        public let type: SourceType
        /// Its `config`, references resolved.
        public let config: JSONObject
        /// The mapping that its events go through.
        public let mapping: Mapping
        /// What happens to its events before and after the mapping.
        public let steps: StepOptions
        /// Whether it takes no events.
        public let isDisabled: Bool
    }

    /// A destination of the flow.
    public struct Destination: Sendable {
        /// The destination's id.
        public let id: String
        /// What it is.
        public let type: DestinationType
        /// The destination and how it is treated.
        public let registration: DestinationRegistration
        /// The path of its entry in the file.
        public let path: [String]
        /// Its `examples`: an event and what the destination gets for it.
        public let examples: JSONObject
    }

    /// The flow's name in the file.
    public let name: String
    /// How the collector begins.
    public let options: CollectorOptions
    /// The level from which the collector logs, if the flow names one: "error", "warning", "info" or "debug".
    public let logLevel: String?
    /// The sources.
    public let sources: [Source]
    /// The destinations, disabled ones included.
    public let destinations: [Destination]
    /// The transformers that routes name.
    public let transformers: [TransformerRegistration]
    /// The stores that caches and states name.
    public let stores: [StoreRegistration]
    /// The contracts by name, `extend` and wildcards worked out.
    public let contracts: JSONObject
    /// The values of the secrets that the flow uses, so that tools can keep them out of what they print.
    public let secrets: Set<String>
}

extension Flow {
    /// The flow's collector, not yet started; with a predecessor it is there to take that one's place. Events are kept
    /// in the queue, if there is one.
    public func collector(
        queue: (any EventQueue)? = nil,
        logger: Logger = Logger(label: "collector"),
        succeeding predecessor: Collector? = nil
    ) -> Collector {
        Collector(
            options: options,
            sources: sources.map { SourceRegistration(id: $0.id, mapping: $0.mapping, steps: $0.steps) },
            destinations: destinations.map(\.registration),
            transformers: transformers,
            stores: stores,
            queue: queue,
            logger: logger,
            succeeding: predecessor
        )
    }
}
