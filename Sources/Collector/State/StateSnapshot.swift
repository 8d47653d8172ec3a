import EventJSON

/// A part of the collector's state, together with its JSON text, which most events take over as it is.
struct StateCell: Sendable {
    let object: JSONObject
    let text: [UInt8]

    init(_ object: JSONObject) {
        self.object = object
        self.text = JSONValue.object(object).jsonText
    }

    /// Whether it is that object, member by member.
    func holds(_ other: JSONObject) -> Bool {
        object.members.elementsEqual(other.members)
    }
}

/// The collector's state at one moment: what events are completed with and delivered under. Never changes.
final class StateSnapshot: Sendable {
    let consent: StateCell
    let user: StateCell
    let globals: StateCell
    let custom: StateCell
    /// The flow's name, the key of `source.release`.
    let name: String?
    /// The value of `source.release`.
    let release: String
    /// The run's trace.
    let trace: String
    /// The run's trace and the release as JSON text, quotes included.
    let traceText: [UInt8]
    let releaseText: [UInt8]
    /// When the run began, in milliseconds since 1970.
    let runStartMilliseconds: Int

    init(
        consent: StateCell,
        user: StateCell,
        globals: StateCell,
        custom: StateCell,
        name: String?,
        release: String,
        trace: String,
        runStartMilliseconds: Int
    ) {
        self.consent = consent
        self.user = user
        self.globals = globals
        self.custom = custom
        self.name = name
        self.release = release
        self.trace = trace
        traceText = JSONValue.string(trace).jsonText
        releaseText = JSONValue.string(release).jsonText
        self.runStartMilliseconds = runStartMilliseconds
    }

    /// The same with another consent and user.
    func with(consent: JSONObject, user: JSONObject) -> StateSnapshot {
        StateSnapshot(
            consent: StateCell(consent),
            user: StateCell(user),
            globals: globals,
            custom: custom,
            name: name,
            release: release,
            trace: trace,
            runStartMilliseconds: runStartMilliseconds
        )
    }
}
