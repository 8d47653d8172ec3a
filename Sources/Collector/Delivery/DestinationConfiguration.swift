public import EventJSON

/// How the collector treats one destination: its mapping, limits and settings.
public struct DestinationConfiguration: Sendable {
    /// What the destination makes of events.
    public var mapping: Mapping = .none
    /// What only the destination understands; missing if nothing.
    public var settings: JSONValue = .missing
    /// What the destination takes from its environment; missing if nothing.
    public var environment: JSONValue = .missing
    /// Whether the destination gets nothing at all.
    public var isDisabled = false
    /// Whether a destination added late gets the events of the current run. Default true.
    public var isBackfilled = true
    /// Events kept until consent is given or the destination is ready; beyond it the oldest is dropped and counted.
    /// Default 1 000.
    public var maximumQueueCount = 1000
    /// Events accepted and not yet settled, those that wait for consent aside; beyond it new events are refused for now,
    /// at the door, so that no other destination has them either. Default 100 000.
    public var maximumWaitingCount = 100_000
    /// With a queue: events that the destination may get a second time after a crash, and so those that are given to
    /// it before its cursor is on stable storage behind them. Default 256; with batches, twice those that are gathered
    /// if that is more.
    public var maximumInFlightCount = 256
    /// With a queue: what happens to events that the destination has not taken when the queue is full.
    public var whenFull = WhenFull.refuse
    /// Dead letters kept in memory; beyond it the oldest is dropped and counted. Default 100.
    public var maximumDeadLetterCount = 100
    /// Milliseconds after which one attempt is ended, and after which whoever waits for an event that is tried again
    /// and again is told that it is kept. Default 10 000.
    public var timeoutMilliseconds = 10_000
    /// How often and how long an event is tried again. By default for as long as needed.
    public var retry = RetryOptions()
    /// How events are gathered before delivery; nil delivers at once.
    public var batch: BatchOptions?
    /// When a destination that fails is left alone for a while; nil never does that.
    public var breaker: CircuitBreaker.Options?
    /// An answer to give instead of delivering; missing to deliver.
    public var mock: JSONValue = .missing
    /// Changes of state without which the destination does not exist: "consent", "user", "run" and others.
    public var require: [String] = []
    /// What happens to events before the mapping and after the delivery.
    public var steps = StepOptions()

    /// A configuration with defaults.
    public init() {}

    /// What happens when a queue has no room because this destination has not taken what is in it.
    public enum WhenFull: String, Sendable, CaseIterable {
        /// New events are refused for now, until the destination has taken some.
        case refuse
        /// The oldest events that the destination has not taken become its dead letters.
        case deadLetter
    }

    /// How many events may be given to the destination behind its cursor.
    var windowCount: Int {
        func size(_ options: BatchOptions?) -> Int {
            options.map { BatchBuffers.ResolvedBatchOptions(rule: $0, destination: batch).size } ?? 0
        }
        return max(maximumInFlightCount, 2 * (size(batch) + mapping.batchOptions.reduce(0) { $0 + size($1) }))
    }

    /// The members of a destination's `config` in flow.json.
    static let members =
        Mapping.members + [
            "batch", "breaker", "disabled", "dlqMax", "env", "id", "inFlightMax", "mock", "queue", "queueMax",
            "require", "retry",
            "settings", "timeout", "waitingMax", "whenFull",
        ]

    /// Reads a destination's `config` as flow.json has it.
    ///
    /// What cannot be honoured is added to `problems`; the default then stands.
    public init(
        _ configuration: JSONObject,
        functions: MappingFunctions = .standard,
        path: [String] = [],
        problems: inout ConfigurationProblems
    ) {
        problems.refuseUnknownMembers(
            configuration.map(\.name),
            known: Self.members,
            path: path,
            of: "a destination's config"
        )
        mapping = Mapping(configuration, functions: functions, path: path, problems: &problems)
        settings = configuration["settings"]
        environment = configuration["env"]
        isDisabled = configuration["disabled"].isTruthy
        isBackfilled = configuration["queue"] != false
        mock = configuration["mock"]
        batch = BatchOptions(configuration["batch"], path: path + ["batch"], problems: &problems)
        retry = RetryOptions(configuration["retry"], path: path + ["retry"], problems: &problems)
        breaker = CircuitBreaker.Options(
            configuration["breaker"],
            path: path + ["breaker"],
            problems: &problems
        )
        func whole(_ name: String, _ current: Int, minimum: Int, problems: inout ConfigurationProblems) -> Int {
            let value = configuration[name]
            if value.isMissing { return current }
            guard let number = value.number?.integer, number >= minimum else {
                problems.add(path + [name], "is a whole number of at least \(minimum)")
                return current
            }
            return number
        }
        maximumQueueCount = whole("queueMax", maximumQueueCount, minimum: 0, problems: &problems)
        maximumWaitingCount = whole("waitingMax", maximumWaitingCount, minimum: 1, problems: &problems)
        maximumInFlightCount = whole("inFlightMax", maximumInFlightCount, minimum: 1, problems: &problems)
        maximumDeadLetterCount = whole("dlqMax", maximumDeadLetterCount, minimum: 0, problems: &problems)
        timeoutMilliseconds = whole("timeout", timeoutMilliseconds, minimum: 0, problems: &problems)
        if timeoutMilliseconds == 0 { timeoutMilliseconds = DestinationConfiguration().timeoutMilliseconds }
        if !configuration["whenFull"].isMissing {
            if let policy = configuration["whenFull"].string.flatMap(WhenFull.init) {
                whenFull = policy
            } else {
                problems.add(path + ["whenFull"], "\"whenFull\" is \"refuse\" or \"deadLetter\"")
            }
        }
        if !configuration["require"].isMissing {
            require = configuration["require"].array?.compactMap(\.string) ?? []
            if require.isEmpty {
                problems.add(path + ["require"], "\"require\" is an array of state names such as \"consent\"")
            }
        }
    }
}
