import Collector
import CollectorConfiguration
import CollectorHTTP
import DurableLog
import EventLog
import HTTPServer
import Logging
import NIOHTTP1

/// A flow at work: its collector behind its listeners, exchanged for another when the file has changed.
actor RunningFlow {
    private let read: @Sendable () throws -> Flow
    private let options: ListenOptions
    private let logger = Logger(label: "collectord")
    private let first: Flow
    /// Where events are kept; nil in memory.
    let data: DataDirectory?
    private(set) var collector: Collector
    private let listeners: FlowListeners
    /// The last exchange, until all is handed over.
    private var handingOver: Task<Void, Never>?
    private var isExchanging = false
    private var isEnding = false

    /// A flow that was read, and how it is read again.
    init(
        _ flow: Flow,
        options: ListenOptions,
        data: DataDirectory?,
        read: @escaping @Sendable () throws -> Flow
    ) {
        first = flow
        self.options = options
        self.data = data
        self.read = read
        collector = flow.collector(queue: data?.log)
        listeners = FlowListeners(logger: Logger(label: "http"))
    }

    /// Begins to take events; returns the first listener's port.
    func start() async throws -> Int? {
        if first.sources.isEmpty { logger.warning("the flow has no source; events are taken at /collect") }
        let plan = FlowListeners.plan(first, options)
        warnOfAbsentDestinations()
        await collector.start()
        do {
            try await listeners.open(plan, Self.handler(collector))
        } catch {
            await collector.shutdown()
            await data?.store.close()
            throw error
        }
        return await listeners.firstPort
    }

    /// Says whose events are kept though the flow does not have them: they take room for as long as that is so.
    private func warnOfAbsentDestinations() {
        let present = Set(first.destinations.map(\.registration.id))
        for id in data?.log.destinations ?? [] where !present.contains(id) {
            logger.warning(
                "events are kept for a destination that is not in the flow; collectord log forget lets them go",
                metadata: ["destination": "\(id)"]
            )
        }
    }

    /// Reads the flow again and lets it take the place of the one that runs. If it cannot, that one goes on.
    ///
    /// Returns when requests are answered by the new flow; what waited at the old one's destinations may still be on
    /// its way to the new one's.
    func reload() async throws {
        guard !isEnding else { throw CommandError("the daemon is ending") }
        guard !isExchanging else { throw CommandError("the flow is being exchanged already") }
        isExchanging = true
        defer { isExchanging = false }
        do {
            let next = try read()
            // One exchange after another: what waits passes from each flow to the next.
            await handingOver?.value
            try await exchange(for: next)
            logger.notice("the flow was exchanged", metadata: ["flow": "\(next.name)"])
        } catch {
            logger.error("the flow was not exchanged; the old one goes on", metadata: ["error": "\(error)"])
            throw error
        }
    }

    private func exchange(for next: Flow) async throws {
        let plan = FlowListeners.plan(next, options)
        // Listeners that are new take nothing before the flow that they belong to does.
        try await listeners.open(plan) { _ in
            HTTPResponseHandler { _ in .failure(.serviceUnavailable, "not ready: try again") }
        }
        let successor = next.collector(succeeding: collector)
        handingOver = await successor.succeed()
        collector = successor
        await listeners.exchange(plan, Self.handler(successor))
        await listeners.close(except: plan)
    }

    private static func handler(_ collector: Collector) -> @Sendable ([HTTPSource]) -> any HTTPHandler {
        { sources in
            IngestRoutes.handler(sources: sources, collector: collector) {
                collector.isRunning ? .ready : .notReady(reason: "the collector is not running")
            }
        }
    }

    /// Ends: the doors close once what is under way is answered, then the collector delivers what it can.
    func end() async {
        isEnding = true
        await listeners.close()
        await handingOver?.value
        await collector.shutdown()
        await data?.store.close()
    }
}
