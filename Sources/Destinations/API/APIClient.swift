import AsyncHTTPClient
import Collector
import Dispatch
import InternetAddresses
import NIOCore
import NIOHTTP1
import NIOSSL
import Synchronization

/// Sends requests to one host, only ever to addresses that were checked.
///
/// The host is looked up here, all of its addresses are checked, and the connection is made to one of them: what the
/// name resolves to a moment later makes no difference. Certificate and `Host` stay those of the name. The host is
/// looked up again after a minute, and after a connection failed.
final class APIClient: Sendable {
    /// Connections to one address. What is under way when another takes its place ends in peace, since it holds on.
    private final class Connections: Sendable {
        let http: HTTPClient
        let address: IPAddress
        let tls: TLSConfiguration?

        init(_ http: HTTPClient, _ address: IPAddress, _ tls: TLSConfiguration?) {
            self.http = http
            self.address = address
            self.tls = tls
        }

        deinit {
            http.shutdown { _ in }
        }
    }

    private struct State {
        var isOpen = false
        var connections: Connections?
        /// When the addresses were checked; nil to look again.
        var checked: ContinuousClock.Instant?
    }

    private static let recheckInterval = Duration.seconds(60)
    private static let maximumResponseByteCount = 64 << 10
    private static let maximumAddressCount = 8

    private let settings: APISettings
    private let resolver: HostResolver
    private let calls: BlockingCalls
    private let state = Mutex(State())

    /// A client for the settings' host, with the operating system's resolver unless a test brings its own.
    init(_ settings: APISettings, resolver: HostResolver? = nil) {
        self.settings = settings
        calls = BlockingCalls(label: "collectord.api.blocking")
        self.resolver = resolver ?? .system(calls)
    }

    /// Reads certificates and key once, to tell what is wrong with them.
    func open() async throws {
        _ = try await loadTLS()
        state.withLock { $0.isOpen = true }
    }

    /// Ends all connections.
    func close() async throws {
        let connections = state.withLock { state in
            let connections = state.connections
            state = State()
            return connections
        }
        try await connections?.http.shutdown()
    }

    /// Sends a request and waits for the whole answer, within the settings' timeout.
    func send(_ request: APIRequest) async -> APIAnswer {
        let milliseconds = settings.timeoutMilliseconds
        do {
            return try await withThrowingTaskGroup(of: APIAnswer.self) { group in
                group.addTask { try await self.attempt(request) }
                group.addTask {
                    try await Task.sleep(for: .milliseconds(milliseconds))
                    throw APIFailure.timeout(milliseconds: milliseconds)
                }
                defer { group.cancelAll() }
                return try await group.next() ?? APIAnswer(outcome: .retry(reason: "no answer from the service"))
            }
        } catch {
            state.withLock { $0.checked = nil }
            return APIAnswer(outcome: APIFailure.outcome(error))
        }
    }

    /// Tries one address after another until one takes the connection.
    private func attempt(_ request: APIRequest) async throws -> APIAnswer {
        var failed: Set<IPAddress> = []
        var last: (any Error)?
        while failed.count < Self.maximumAddressCount {
            guard let connections = try await connections(avoiding: failed) else { break }
            do {
                return try await exchange(request, connections.http)
            } catch  where APIFailure.isConnectionFailure(error) {
                failed.insert(connections.address)
                last = error
                state.withLock { $0.checked = nil }
            }
        }
        throw last ?? HostResolver.Failure(description: "the host has no address")
    }

    private func exchange(_ request: APIRequest, _ http: HTTPClient) async throws -> APIAnswer {
        var message = HTTPClientRequest(url: settings.url.origin(host: settings.tls?.serverName) + request.target)
        message.method = HTTPMethod(rawValue: settings.method)
        message.headers.add(name: "Host", value: settings.url.hostField())
        for field in request.headers { message.headers.add(name: field.name, value: field.value) }
        message.body = request.body.map { .bytes(ByteBuffer(bytes: $0)) }
        // The limit is kept by `send`, which includes the body; this one only has to come later.
        let response = try await http.execute(
            message,
            timeout: .milliseconds(2 * Int64(settings.timeoutMilliseconds))
        )
        // An answer that breaks off may be that of a service that broke off. What it says is nobody's business.
        var count = 0
        for try await piece in response.body {
            count += piece.readableBytes
            if count > Self.maximumResponseByteCount { break }
        }
        try Task.checkCancellation()
        let status = Int(response.status.code)
        return APIAnswer(
            outcome: APIOutcome.outcome(status: status, retryAfter: response.headers.first(name: "Retry-After")),
            refusesContent: APIOutcome.refusesContent(status: status)
        )
    }

    /// Connections to a checked address that is not one of these; nil if there is none left.
    private func connections(avoiding failed: Set<IPAddress>) async throws -> Connections? {
        let known = try state.withLock { state -> Connections? in
            guard state.isOpen else { throw APIFailure.closed }
            guard let checked = state.checked, ContinuousClock.now - checked < Self.recheckInterval else { return nil }
            return state.connections
        }
        if let known, !failed.contains(known.address) { return known }
        let addresses = try await checkedAddresses()
        let tls = try await loadTLS()
        return try state.withLock { state -> Connections? in
            guard state.isOpen else { throw APIFailure.closed }
            let candidates = addresses.filter { !failed.contains($0) }
            guard let first = candidates.first else { return nil }
            state.checked = .now
            if let current = state.connections, candidates.contains(current.address), Self.isSame(current.tls, tls) {
                return current
            }
            let made = Connections(makeClient(for: first, of: addresses.count, tls), first, tls)
            state.connections = made
            return made
        }
    }

    private func checkedAddresses() async throws -> [IPAddress] {
        let addresses: [IPAddress]
        if let address = settings.url.address {
            addresses = [address]
        } else {
            addresses = try await resolver.addresses(settings.url.host)
        }
        // One that is refused is reason enough: who answers for the name cannot be trusted with the others.
        for address in addresses {
            if let refusal = settings.guarding.refusal(of: address) { throw APIFailure.refusedAddress(refusal) }
        }
        return addresses
    }

    private func loadTLS() async throws -> TLSConfiguration? {
        guard let tls = settings.tls else { return nil }
        return try await calls.run { try tls.configuration() }
    }

    private static func isSame(_ left: TLSConfiguration?, _ right: TLSConfiguration?) -> Bool {
        guard let left, let right else { return left == nil && right == nil }
        return left.bestEffortEquals(right)
    }

    private func makeClient(for address: IPAddress, of count: Int, _ tls: TLSConfiguration?) -> HTTPClient {
        var configuration = HTTPClient.Configuration()
        configuration.redirectConfiguration = .disallow
        configuration.tlsConfiguration = tls
        configuration.decompression = .disabled
        configuration.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = settings.maximumConnectionCount
        // The collector tries again, and says why.
        configuration.connectionPool.retryConnectionEstablishment = false
        // Each address gets its share of the time.
        let shares = min(max(count, 1), Self.maximumAddressCount)
        configuration.timeout.connect = .milliseconds(Int64(max(settings.timeoutMilliseconds / shares, 1)))
        if let name = settings.tls?.serverName ?? (settings.url.address == nil ? settings.url.host : nil) {
            configuration.dnsOverride = [name: address.description]
        }
        return HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
    }
}
