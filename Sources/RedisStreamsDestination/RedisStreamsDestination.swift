public import Collector
import EventJSON
import Logging
import Synchronization

/// Writes events to Redis Streams: one XADD per event, pipelined over one long-lived connection per server.
///
/// ```json
/// "redis": { "package": "redis", "config": { "settings": { "redis": { "streamKey": "walkeros:events" } } } }
/// ```
///
/// The settings are those of ``RedisStreamsSettings``. Redis need not be up when the collector starts: the client
/// connects in the background, and events wait for it.
///
/// Each event gets its own outcome: delivered with the entry's id; retry when Redis is away, loading, full or refuses
/// the password; rejected when Redis would refuse it every time. An event whose reply was lost is sent again, so a
/// stream may hold it twice: the event's `id` tells. With ``RedisStreamsSettings/isSingleWriter`` it does not.
public final class RedisStreamsDestination: PipelinedDestination {
    /// How long ``destroy(_:)`` waits for replies and for QUIT.
    static let destroyTimeout = Duration.seconds(5)

    /// The largest entry that a single writer can look for.
    static let entryBytes = 16 << 20

    private struct Ready: Sendable {
        let settings: RedisStreamsSettings
        let writer: RedisStreamsWriter
        let nodes: any RedisNodes
        /// The only client when one command per event is all there is to do.
        let simpleClient: RedisClient?
        /// A single writer's.
        let ids: RedisEntryIDs?
        let ownsNodes: Bool
        let logger: Logger
    }

    private let suppliedClient: RedisClient?
    /// Settings given in code or read already; nil to read them from the context.
    let suppliedSettings: RedisStreamsSettings?
    private let ready = Mutex<Ready?>(nil)

    /// A destination that makes its own client when it is initialized, and quits it when it is destroyed.
    ///
    /// Without settings it reads them from the `settings` it is registered with.
    public init(settings: RedisStreamsSettings? = nil) {
        suppliedClient = nil
        suppliedSettings = settings
    }

    /// A destination that uses a client of yours.
    ///
    /// You start it and you quit it; `url` and `options` of the settings are checked and not used.
    public init(client: RedisClient, settings: RedisStreamsSettings? = nil) {
        suppliedClient = client
        suppliedSettings = settings
    }

    /// `redis`.
    public var type: String { "redis" }

    /// Checks the settings and starts the client, which connects in the background.
    ///
    /// - Throws: ``RedisSettingsError`` with everything that is wrong with the settings, ``RedisError`` when the
    ///   process has no thread or descriptor left.
    public func initialize(_ context: DestinationContext) async throws -> DestinationReadiness {
        if ready.withLock({ $0 != nil }) { return .ready }
        do {
            let settings = try suppliedSettings ?? RedisStreamsSettings(context.settings)
            for notice in settings.notices {
                context.logger.warning("\(notice)")
            }
            let nodes = try makeNodes(settings, context.logger)
            let isSimple = !settings.isSingleWriter && settings.replicaConfirmation == nil
            let simpleClient = isSimple ? (nodes as? RedisSingleNode)?.client : nil
            let ownsNodes = suppliedClient == nil
            ready.withLock {
                $0 = Ready(
                    settings: settings,
                    writer: RedisStreamsWriter(settings: settings),
                    nodes: nodes,
                    simpleClient: simpleClient,
                    ids: settings.isSingleWriter ? RedisEntryIDs() : nil,
                    ownsNodes: ownsNodes,
                    logger: context.logger
                )
            }
            return .ready
        } catch {
            context.logger.error("\(error)")
            throw error
        }
    }

    private func makeNodes(_ settings: RedisStreamsSettings, _ logger: Logger) throws(RedisError) -> any RedisNodes {
        if let suppliedClient { return RedisSingleNode(client: suppliedClient) }
        var configuration = settings.configuration
        if settings.isSingleWriter {
            // Entries are read again to see whether they are there.
            configuration.limits.replyBytes = max(configuration.limits.replyBytes, Self.entryBytes)
        }
        if let seeds = settings.clusterNodes {
            let cluster = RedisCluster(configuration, seeds: seeds, logger)
            try cluster.start()
            return cluster
        }
        let client = try RedisClient(configuration: configuration, logger: logger)
        try client.start()
        return RedisSingleNode(client: client)
    }

    /// Begins to write the events of a batch, after those of the batches before.
    public func deliver(_ batch: DeliveryBatch, completion: @escaping @Sendable ([DeliveryOutcome]) -> Void) {
        guard let ready = ready.withLock({ $0 }) else {
            let outcome = DeliveryOutcome.retry(reason: "the Redis destination is not initialized")
            return completion(batch.deliveries.map { _ in outcome })
        }
        let report = RedisDeliveryReport(settings: ready.settings, logger: ready.logger, deliveries: batch.deliveries)
        report.began()
        guard let client = ready.simpleClient else {
            return RedisBatchRun(
                report: report,
                nodes: ready.nodes,
                writer: ready.writer,
                ids: ready.ids,
                completion: completion
            )
            .start()
        }
        do throws(RedisError) {
            try client.enqueue { encoder in
                var writer = ready.writer
                for delivery in batch.deliveries {
                    writer.write(delivery, to: &encoder)
                }
            } completion: { replies in
                completion(report.outcomes(of: replies))
            }
        } catch {
            completion(report.outcomes(refused: error))
        }
    }

    /// Waits up to 5 s until everything under way is answered, sends QUIT and frees the client.
    ///
    /// A client of yours is left as it is. Calling it again does nothing.
    ///
    /// - Throws: ``RedisError`` when not everything was answered or QUIT failed; the client is freed all the same.
    public func destroy(_ context: DestinationContext) async throws {
        var last: Ready?
        ready.withLock { swap(&$0, &last) }
        guard let last, last.ownsNodes else { return }
        try await last.nodes.quit(timeout: Self.destroyTimeout)
    }
}
