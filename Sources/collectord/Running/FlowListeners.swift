import Collector
import CollectorConfiguration
import CollectorHTTP
import HTTPServer
import Logging
import NIOCore
import NIOPosix

/// The doors of a running flow: a server for each listener, all on the same event loops.
///
/// When flows are exchanged, listeners that both name stay open; no connection is closed for it.
actor FlowListeners {
    /// A server and what answers behind it.
    private struct Entry {
        let server: HTTPServer
        let door: FlowDoor
    }

    /// The listeners that a flow asks for, the daemon's own first, and the sources of each.
    typealias Plan = [(listener: HTTPListener, sources: [HTTPSource])]

    private var entries: [HTTPListener: Entry] = [:]
    private var order: [HTTPListener] = []
    let logger: Logger

    init(logger: Logger) {
        self.logger = logger
    }

    /// What a flow asks for.
    static func plan(_ flow: Flow, _ options: ListenOptions) -> Plan {
        var plan: Plan = options.listeners.map { ($0, []) }
        for source in HTTPSource.sources(of: flow) {
            for listener in options.listeners(of: source) {
                if let place = plan.firstIndex(where: { $0.listener == listener }) {
                    plan[place].sources.append(source)
                } else {
                    plan.append((listener, [source]))
                }
            }
        }
        return plan
    }

    /// Where the first listener is reached; nil if nothing listens.
    var firstPort: Int? {
        order.first.flatMap { entries[$0] }?.server.boundAddresses.first?.port
    }

    /// Begins to listen where the plan says and nobody listens yet, and to answer there by what `handler` makes of the
    /// sources.
    ///
    /// If one cannot be had none of them is left.
    func open(_ plan: Plan, _ handler: @Sendable ([HTTPSource]) -> any HTTPHandler) async throws {
        var opened: [HTTPListener: Entry] = [:]
        do {
            for (listener, sources) in plan where entries[listener] == nil {
                let door = FlowDoor(handler(sources))
                var configuration = HTTPServerConfiguration(listeners: [listener])
                configuration.limits.maximumConnectionCount = min(
                    configuration.limits.maximumConnectionCount,
                    max(1, DescriptorLimit.connectionCount / plan.count)
                )
                let server = HTTPServer(
                    configuration: configuration,
                    eventLoopGroup: MultiThreadedEventLoopGroup.singleton,
                    logger: logger,
                    handler: door
                )
                try await server.start()
                opened[listener] = Entry(server: server, door: door)
            }
        } catch {
            for entry in opened.values { await entry.server.shutdown() }
            throw error
        }
        entries.merge(opened) { old, _ in old }
        order = plan.map(\.listener) + order.filter { old in !plan.contains { $0.listener == old } }
    }

    /// Lets each listener of the plan answer by what `handler` makes of its sources.
    func exchange(_ plan: Plan, _ handler: @Sendable ([HTTPSource]) -> any HTTPHandler) {
        for (listener, sources) in plan { entries[listener]?.door.exchange(for: handler(sources)) }
    }

    /// Closes the listeners that are not in the plan, once what is under way there is answered.
    func close(except plan: Plan = []) async {
        let gone = order.filter { old in !plan.contains { $0.listener == old } }
        order.removeAll { gone.contains($0) }
        let servers = gone.compactMap { entries.removeValue(forKey: $0)?.server }
        await withTaskGroup(of: Void.self) { group in
            for server in servers { group.addTask { await server.shutdown() } }
        }
    }
}

extension HTTPSource {
    /// The HTTP sources of a flow that take events; a flow without sources has one with defaults.
    static func sources(of flow: Flow) -> [HTTPSource] {
        if flow.sources.isEmpty { return [HTTPSource(id: "http")] }
        // What cannot be honoured was said when the flow was read.
        var problems = ConfigurationProblems()
        return flow.sources.filter { !$0.isDisabled }.map { source in
            HTTPSource(
                id: source.id,
                style: source.type.name == "fetch" ? .fetch : .express,
                config: source.config,
                problems: &problems
            )
        }
    }
}
