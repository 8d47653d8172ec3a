public import Collector
public import EventJSON
public import HTTPServer

/// A source that takes events over HTTP: its paths, limits, and how it answers.
///
/// Two styles, as walkerOS has them: `express` (paths without regard to case and trailing slash; JSON or text/plain) and
/// `fetch` (exact paths; any content type; the event's id in the answer).
public struct HTTPSource: Sendable {
    /// Whose manners the source has.
    public enum Style: Sendable {
        /// `@walkeros/server-source-express`.
        case express
        /// `@walkeros/server-source-fetch`.
        case fetch
    }

    /// A path and the methods that it takes, besides OPTIONS.
    public struct Path: Sendable, Equatable {
        /// The path, such as "/collect"; with the fetch style `/*` at its end stands for everything below.
        public let path: String
        /// Whether the pixel (GET) is served.
        public let takesGET: Bool
        /// Whether events may be posted.
        public let takesPOST: Bool
    }

    /// The source's id, under which its counts are kept.
    public let id: String
    /// Whose manners it has.
    public let style: Style
    /// A port of the source's own; nil to share the daemon's.
    public var port: Int?
    /// The address of that port; nil for the daemon's.
    public var host: String?
    /// A unix socket of the source's own, in the place of a port.
    public var socketPath: String?
    /// How TLS is spoken on that port; nil for the daemon's way.
    public var tls: HTTPServerTLS?
    /// Where events are taken. Default "/collect" with both methods.
    public var paths = [Path(path: "/collect", takesGET: true, takesPOST: true)]
    /// Events in one request. Default 100.
    public var maximumBatchCount = 100
    /// Bytes of a body. Default 1 MiB for express, 100 KiB for fetch.
    public var maximumBodyByteCount: Int
    /// Who may send from a browser; nil answers without such header fields. Default: everybody.
    public var crossOrigin: HTTPCrossOriginPolicy? = HTTPCrossOriginPolicy(
        maximumAgeSeconds: HTTPSource.preflightSeconds
    )
    /// Whether requests that name another origin than ``crossOrigin`` allows are refused: pages may send text without
    /// asking first, and would only not see the answer. Default false.
    public var refusesOtherOrigins = false
    /// How long browsers may remember a preflight's answer, unless told otherwise: as long as any does.
    static let preflightSeconds = 7200
    /// Whether GET is answered before destinations have the event. Default false.
    public var answersGETEarly = false
    /// Whether POST is answered before destinations have the event. Default false; walkerOS's default is true.
    public var answersPOSTEarly = false

    /// Who may send; nil lets everybody. Default nil.
    public var writeKeys: WriteKeys?

    /// Events per second that one client address may send; nil does not limit them. Default nil.
    public var eventsPerSecondPerAddress: Int? {
        didSet {
            addressRates = eventsPerSecondPerAddress.map { rate in
                AddressRates(eventsPerSecond: rate, burstCount: maximumBatchCount)
            }
        }
    }

    /// What each address may still send.
    private(set) var addressRates: AddressRates?

    /// Proxies that are believed when they say who sent a request: addresses, networks, "unix"; see
    /// ``trust(proxies:)``.
    private(set) var trustedProxies = TrustedProxies.none

    /// What is noted of a request for the steps of its events: a value on
    /// `{method, url, path, query, headers, ip}`, such as `{"map": {"agent": "headers.user-agent"}}`; nil for nothing.
    public var ingest: ValueMapping?

    /// A source with defaults.
    public init(id: String, style: Style = .express) {
        self.id = id
        self.style = style
        maximumBodyByteCount = style == .express ? 1 << 20 : 102_400
    }

    /// Believes these proxies when they say in `X-Forwarded-For` who sent a request: addresses (`127.0.0.1`), networks
    /// (`10.0.0.0/8`), and "unix" for those that come through a unix socket. False if a text is none of these.
    public mutating func trust(proxies: [String]) -> Bool {
        guard let proxies = TrustedProxies(proxies) else { return false }
        trustedProxies = proxies
        return true
    }

    /// The source that a flow's entry describes.
    ///
    /// What cannot be honoured is added to `problems`; the default then stands.
    public init(
        id: String,
        style: Style,
        config: JSONObject,
        path: [String] = [],
        problems: inout ConfigurationProblems
    ) {
        self.init(id: id, style: style)
        var reader = HTTPSourceReader(path: path, problems: problems)
        reader.read(config, into: &self)
        problems = reader.problems
    }
}
