public import EventJSON

/// What accompanies a pushed event.
public struct PushOptions: Sendable {
    /// The source that brings the event; its mapping applies and its counts are kept.
    public var source: String?
    /// The trace of the request that brought the event.
    public var traceID: String?
    /// Ids of the only destinations that get the event; nil for all.
    public var include: [String]?
    /// Ids of destinations that do not get the event.
    public var exclude: [String] = []
    /// What the source noted of the request, for steps; nil if nothing.
    public var ingest: Ingest?
    /// Members of the event's `source` that who sends it cannot choose, such as a tenant. They replace the sender's.
    public var sourceTags: JSONObject = [:]

    /// Options with the given values.
    public init(
        source: String? = nil,
        traceID: String? = nil,
        include: [String]? = nil,
        exclude: [String] = [],
        ingest: Ingest? = nil
    ) {
        self.source = source
        self.traceID = traceID
        self.include = include
        self.exclude = exclude
        self.ingest = ingest
    }

    func allows(_ destination: String) -> Bool {
        (include?.contains(destination) ?? true) && !exclude.contains(destination)
    }
}

/// A destination and how it is to be treated.
public struct DestinationRegistration: Sendable {
    /// The name under which results and status list the destination; made up if empty.
    public var id: String
    /// The destination.
    public let destination: any Destination
    /// How it is treated.
    public let configuration: DestinationConfiguration

    /// A registration under that id.
    public init(
        id: String = "",
        destination: any Destination,
        configuration: DestinationConfiguration = DestinationConfiguration()
    ) {
        self.id = id
        self.destination = destination
        self.configuration = configuration
    }
}

/// A source and the mapping that its events go through before they are completed.
public struct SourceRegistration: Sendable {
    /// The name under which status lists the source.
    public let id: String
    /// Policies, rules and consent for the source's events; mapped data is not used.
    public let mapping: Mapping
    /// What happens to the source's events before and after the mapping.
    public let steps: StepOptions

    /// A registration under that id.
    public init(id: String, mapping: Mapping = .none, steps: StepOptions = StepOptions()) {
        self.id = id
        self.mapping = mapping
        self.steps = steps
    }
}
