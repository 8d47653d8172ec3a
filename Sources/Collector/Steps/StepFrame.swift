import EventJSON

/// One thing to be done with an event on its way.
enum StepFrame: Sendable {
    /// Go through a transformer.
    case step(Route.Step)
    /// Decide by a route where to go.
    case route(Route)
    /// The end of a transformer's or destination's `before`: a way that divides ends here, not beyond.
    case boundary
    /// Ask a transformer's cache.
    case recall(StepUnit)
    /// Keep a transformer's result in its cache.
    case remember(StepUnit, StepRun.CacheClaim)
    /// Fetch a state.
    case get(StepState)
    /// Keep a state.
    case set(StepState)
    /// Make the transformer ready, then ask it.
    case prepare(StepUnit)
    case transform(StepUnit)
    /// What follows a transformer.
    case next(StepUnit, isFollowed: Bool)
    /// A source's own mapping.
    case map(Mapping)
    /// Ask a destination's cache, and claim the key.
    case admit(StepCache, owner: String)
    /// Keep a delivered event's key.
    case keep(StepRun.CacheClaim)
}

extension StepRun {
    /// Begins a frame; gives the operation whose answer it needs, if any.
    mutating func begin(_ frame: StepFrame) throws(StepFailure) -> StepOperation? {
        switch frame {
        case .step(let step): try enter(step)
        case .route(let route): try follow(route.way(for: MatcherSubject(event: top.event, ingest: top.ingestValue)))
        case .boundary: break
        case .recall(let unit): return try recall(unit)
        case .remember(_, let claim): return keeping(claim, value: .object(top.event.object))
        case .keep(let claim): return keeping(claim, value: true)
        case .get(let state):
            guard let key = try stateKey(state) else { return nil }
            return .get(try plan.store(state.store), key)
        case .set(let state): return try keeping(state)
        case .prepare(let unit):
            top.frames.append(.transform(unit))
            return unit.preparation.isReady ? nil : .prepare(unit)
        case .transform(let unit):
            let input = TransformerInput(
                event: top.event,
                ingest: top.ingestValue,
                consent: consent,
                nowMilliseconds: now
            )
            return .transform(unit, input)
        case .next(let unit, let isFollowed): try leave(unit, isFollowed: isFollowed)
        case .map(let mapping): map(mapping)
        case .admit(let cache, let owner): return try admit(cache, owner: owner)
        }
        return nil
    }

    /// Ends a frame with the answer to its operation.
    mutating func apply(_ answer: StepOperation.Answer, to frame: StepFrame) throws(StepFailure) {
        switch (frame, answer) {
        case (.transform, .result(let result)): try apply(result)
        case (.recall, .value(let value)): recalled(value)
        case (.admit, .value(let value)):
            if remembered(value) != nil {
                if let key = top.cacheEntries.last?.entry.key { knownKeys.insert(key) }
                dropKnown()
            }
        case (.get(let state), .value(let value)):
            if case .get(let path) = state.action, !value.isMissing { path.set(value, in: &top.event) }
        default: break
        }
    }

    // MARK: Transformers

    private mutating func enter(_ step: Route.Step) throws(StepFailure) {
        guard let unit = plan.transformers[step.id] else {
            throw .impossible("there is no transformer \"\(step.id)\"")
        }
        try countHop(step.id)
        let next = StepFrame.next(unit, isFollowed: step.isFollowed)
        if !unit.registration.mock.isMissing {
            top.frames.append(next)
            return try mock(unit.registration.mock)
        }
        if unit.registration.isDisabled { return top.frames.append(next) }
        var frames: [StepFrame] = []
        if unit.steps.cache != nil { frames.append(.recall(unit)) }
        if let before = unit.steps.before { frames += [.route(before), .boundary] }
        for state in unit.steps.states where state.isGet { frames.append(.get(state)) }
        frames.append(.prepare(unit))
        for state in unit.steps.states where !state.isGet { frames.append(.set(state)) }
        top.frames.append(next)
        top.frames += frames.reversed()
    }

    private mutating func mock(_ value: JSONValue) throws(StepFailure) {
        switch value {
        case .object(let members): top.event = replaced(top.event, by: members)
        case .array(let elements):
            try apply(.several(elements.map { TransformedEvent(replaced(top.event, by: $0.object ?? [:])) }))
        default: if !value.isTruthy { drop() }
        }
    }

    private func replaced(_ event: Event, by members: JSONObject) -> Event {
        var event = event
        for member in members { event[key: member.name] = member.value }
        return event
    }

    private mutating func apply(_ result: TransformerResult) throws(StepFailure) {
        switch result {
        case .unchanged: break
        case .dropped: drop()
        case .changed(let changed): top = child(changed)
        case .several(let list):
            if list.isEmpty { return drop() }
            let id = top.event[.id]
            let children = list.enumerated().map { index, changed -> Item in
                var item = child(changed)
                // One key cannot stand for several results.
                item.frames.removeAll { if case .remember = $0 { true } else { false } }
                if index > 0, let id = id.string, item.event[.id].string == id {
                    item.event[.id] = .string(Self.childID(of: id, index: index))
                }
                return item
            }
            try divide(children)
        }
    }

    private func child(_ changed: TransformedEvent) -> Item {
        var item = top
        item.event = changed.event
        if let ingest = changed.ingest { item.ingest = Ingest(ingest) }
        item.next = changed.next
        return item
    }

    private mutating func leave(_ unit: StepUnit, isFollowed: Bool) throws(StepFailure) {
        if let next = exchange(&top.next, with: nil) {
            top.frames += next.reversed().map { .step(Route.Step(id: $0, isFollowed: false)) }
        } else if isFollowed, let route = unit.steps.next {
            top.frames.append(.route(route))
        }
    }

    /// Goes on by a way; where it divides, what stood behind it on the same level is not reached.
    private mutating func follow(_ way: Route.Way) throws(StepFailure) {
        if way.branches.isEmpty {
            top.frames += way.steps.reversed().map(StepFrame.step)
            return
        }
        var rest = top
        while let frame = rest.frames.last {
            if case .boundary = frame { break }
            rest.frames.removeLast()
        }
        try divide(
            way.branches.map { branch in
                var item = rest
                item.frames += (way.steps + branch).reversed().map(StepFrame.step)
                return item
            }
        )
    }

    private mutating func map(_ mapping: Mapping) {
        let mapped = mapping.map(top.event, consent: consent, nowMilliseconds: now)
        let granted = ConsentStates.granted(collector: consent, event: mapped.event[.consent].object ?? [:])
        if mapped.isIgnored || mapped.isConsentDenied || !mapping.consent.isSatisfied(by: granted) { return drop() }
        top.event = mapped.event
    }
}
