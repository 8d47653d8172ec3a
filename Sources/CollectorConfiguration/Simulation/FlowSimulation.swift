public import Collector
public import EventJSON
public import Logging
import Synchronization

/// Shows what a flow would do with events, without sending anything.
///
/// The events go through the real collector: source mapping, completion, consent, mapping, batches. Only the
/// destinations are replaced by ones that write down the command they would have sent.
public enum FlowSimulation {
    /// What one destination would get.
    public struct DestinationResult: Sendable, Equatable {
        /// The destination's id.
        public let id: String
        /// The commands, each argument by argument, in order.
        public let commands: [[String]]
        /// How many events wait for consent.
        public let heldCount: Int
        /// How many events rules left out.
        public let ignoredCount: Int
        /// How many events the destination's steps left out.
        public let droppedCount: Int
        /// How many events the destination's cache knew.
        public let knownCount: Int
    }

    /// What became of all events.
    public struct Outcome: Sendable {
        /// What became of each event, in order.
        public let results: [PushResult]
        /// What each destination would get, in the flow's order.
        public let destinations: [DestinationResult]
        /// How many events the source's steps left out.
        public let droppedCount: Int
    }

    /// Pushes the events through the flow's first source.
    ///
    /// Stores are replaced by memory.
    ///
    /// - Parameters:
    ///   - consent: States given by a consent command before the events.
    ///   - ingest: What the source would have noted of the request.
    public static func run(
        _ flow: Flow,
        events: [JSONObject],
        consent: JSONObject = [:],
        ingest: JSONObject = [:],
        logger: Logger = Logger(label: "simulate") { _ in SwiftLogNoOpLogHandler() }
    ) async -> Outcome {
        var previews: [(destination: Flow.Destination, recorder: PreviewRecorder)] = []
        for destination in flow.destinations {
            previews.append((destination, PreviewRecorder(destination.registration.destination)))
        }
        let collector = Collector(
            options: flow.options,
            sources: flow.sources.map { SourceRegistration(id: $0.id, mapping: $0.mapping, steps: $0.steps) },
            destinations: previews.map { destination, recorder in
                DestinationRegistration(
                    id: destination.id,
                    destination: recorder,
                    configuration: destination.registration.configuration
                )
            },
            transformers: flow.transformers,
            stores: flow.stores.map { StoreRegistration(id: $0.id, store: MemoryStore()) },
            logger: logger
        )
        await collector.start()
        if !flow.options.run { _ = await collector.command(.run()) }
        if !consent.isEmpty { _ = await collector.command(.consent(consent)) }
        var options = PushOptions(source: flow.sources.first?.id)
        if !ingest.isEmpty { options.ingest = Ingest(.object(ingest)) }
        let results = await collector.push(events, options: options)
        // Ending the collector delivers what batches have gathered.
        await collector.shutdown()
        let status = collector.status
        let destinations = previews.map { destination, recorder in
            DestinationResult(
                id: destination.id,
                commands: recorder.commands,
                heldCount: status.destinations[destination.id]?.heldCount ?? 0,
                ignoredCount: status.destinations[destination.id]?.ignoredCount ?? 0,
                droppedCount: status.destinations[destination.id]?.droppedCount ?? 0,
                knownCount: status.destinations[destination.id]?.knownCount ?? 0
            )
        }
        let dropped = status.sources.values.reduce(0) { $0 + $1.droppedCount }
        return Outcome(results: results, destinations: destinations, droppedCount: dropped)
    }
}

/// Stands in a destination's place and writes down what it would send.
private final class PreviewRecorder: Destination {
    let type: String
    private let destination: any Destination
    private let recorded = Mutex<[[String]]>([])

    init(_ destination: any Destination) {
        self.destination = destination
        type = destination.type
    }

    var commands: [[String]] { recorded.withLock { $0 } }

    func deliver(_ batch: DeliveryBatch) async -> [DeliveryOutcome] {
        for delivery in batch.deliveries {
            let command =
                (destination as? any PreviewableDestination)?.preview(delivery)
                ?? [type, String(decoding: delivery.event.json, as: UTF8.self)]
            if !command.isEmpty { recorded.withLock { $0.append(command) } }
        }
        return batch.deliveries.map { _ in .delivered() }
    }
}
