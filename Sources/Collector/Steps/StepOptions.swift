public import EventJSON

/// What happens to events before and after a source, a transformer or a destination.
///
/// In flow.json the members `before`, `next`, `cache` and `state` of an entry.
public struct StepOptions: Sendable {
    /// Who has these options.
    public enum Owner: Sendable {
        /// A source: its `next` may divide.
        case source
        /// A transformer: its `next` may divide.
        case transformer
        /// A destination: nothing divides.
        case destination
    }

    /// The transformers before it.
    public var before: Route?
    /// The transformers after it; after a destination only for events that were delivered.
    public var next: Route?
    /// Whether results are remembered.
    public var cache: StepCache?
    /// Values that are fetched before and kept after.
    public var states: [StepState] = []

    /// Nothing happens.
    public init() {}

    /// Reads the options of an entry; other members are left to the caller.
    ///
    /// What cannot be honoured is added to `problems`; the options then do without it.
    public init(
        _ entry: JSONObject,
        owner: Owner,
        functions: MappingFunctions = .standard,
        path: [String] = [],
        problems: inout ConfigurationProblems
    ) {
        before = Route(entry["before"], allowsMany: owner == .source, path: path + ["before"], problems: &problems)
        next = Route(entry["next"], allowsMany: owner != .destination, path: path + ["next"], problems: &problems)
        if !entry["cache"].isMissing {
            if owner == .source {
                problems.add(
                    path + ["cache"],
                    "a source's cache answers requests, which is not supported; put it on a transformer or destination"
                )
            } else {
                let stops = owner == .destination
                cache = StepCache(entry["cache"], stops: stops, path: path + ["cache"], problems: &problems)
            }
        }
        let state = entry["state"]
        let list = state.array ?? (state.isMissing ? [] : [state])
        for (index, value) in list.enumerated() {
            let place = path + ["state"] + (state.array == nil ? [] : [String(index)])
            if let state = StepState(value, functions: functions, path: place, problems: &problems) {
                states.append(state)
            }
        }
    }

    /// Whether nothing happens.
    public var isEmpty: Bool { before == nil && next == nil && cache == nil && states.isEmpty }

    /// Notes every transformer and store that the options name and that does not exist.
    public func refuseUnknown(
        transformers: [String],
        stores: [String],
        path: [String],
        problems: inout ConfigurationProblems
    ) {
        before?.refuseUnknownSteps(known: transformers, problems: &problems)
        next?.refuseUnknownSteps(known: transformers, problems: &problems)
        func refuse(_ store: String?, at place: [String], problems: inout ConfigurationProblems) {
            guard let store, !stores.contains(store) else { return }
            let hint =
                NearestName.find(store, in: stores).map { "did you mean \"\($0)\"?" }
                ?? "known are \(stores.sorted().joined(separator: ", "))"
            problems.add(place, "there is no store \"\(store)\"; \(hint)")
        }
        refuse(cache?.store, at: path + ["cache", "store"], problems: &problems)
        for state in states { refuse(state.store, at: state.path + ["store"], problems: &problems) }
    }
}
