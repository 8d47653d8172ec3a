public import Collector
public import EventJSON

/// A destination with the real thing behind it, for ``DestinationContract``.
///
/// Each scenario makes a subject of its own: start the server or make the folder in `init`, and end it in `deinit`.
public protocol DestinationContractSubject: Sendable {
    /// Makes the backend, in fair weather, with nothing in it.
    init() async throws

    /// A destination that writes to this subject's backend. May be called several times, one after another.
    func makeDestination() throws -> any Destination

    /// The ids of the events that arrived at the backend, in order, one for each copy.
    func arrivedEventIDs() async throws -> [String]

    /// Makes the backend behave so. Called with a weather that `unsupportedWeather` does not name.
    func setWeather(_ weather: DestinationContract.Weather) async throws

    /// What the backend cannot be made to do, each with the reason. Scenarios that need it are not run.
    static var unsupportedWeather: [DestinationContract.Weather: String] { get }

    /// A destination's `config` in flow.json, such as a mapping rule for the refused event. Default: none.
    var configuration: JSONObject { get }

    /// Members of an event that the backend refuses for good, laid over an ordinary one; `name` is one of them.
    /// Default: only that, "contract refused".
    var refusedEvent: JSONObject { get }

    /// Whether `arrivedEventIDs` tells in which order events arrived. Default true.
    var keepsOrder: Bool { get }

    /// Copies more than one that may arrive after a fault. Default 0.
    var maximumDuplicateCount: Int { get }
}

extension DestinationContractSubject {
    /// All can be made.
    public static var unsupportedWeather: [DestinationContract.Weather: String] { [:] }
    /// Nothing to configure.
    public var configuration: JSONObject { [:] }
    /// An event with that name.
    public var refusedEvent: JSONObject { ["name": "contract refused"] }
    /// It does.
    public var keepsOrder: Bool { true }
    /// None.
    public var maximumDuplicateCount: Int { 0 }
    /// The backend is always fair.
    public func setWeather(_ weather: DestinationContract.Weather) async throws {}
}

extension DestinationContract {
    /// How a backend behaves.
    public enum Weather: String, Sendable, CaseIterable {
        /// It takes what it is given.
        case fair
        /// It is away, or answers that it cannot now.
        case down
        /// It takes what it is given and does not answer.
        case hanging
        /// It takes what it is given, but refuses events like `refusedEvent` for good.
        case refusing
    }
}
