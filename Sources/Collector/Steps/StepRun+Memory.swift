import EventJSON

/// Caches and states on an event's way.
extension StepRun {
    private static let valueName = "__walkeros_cache_v__"
    private static let expiryName = "__walkeros_cache_exp__"

    // MARK: Caches

    /// Members of an event that a remembered one does not replace: they are this event's own, its consent above all.
    private static let ownMembers: [EventMember] = [.id, .consent, .timestamp, .timing, .source]

    mutating func recall(_ unit: StepUnit) throws(StepFailure) -> StepOperation? {
        guard let cache = unit.steps.cache,
            let entry = cache.entry(of: top.event, ingest: top.ingestValue, owner: "transformer.\(unit.id)")
        else { return nil }
        let claim = CacheClaim(store: try plan.store(cache.store), entry: entry)
        // Behind the transformer and its states, in front of what follows it.
        let place = top.frames.lastIndex { if case .next = $0 { true } else { false } }
        top.frames.insert(.remember(unit, claim), at: place.map { $0 + 1 } ?? 0)
        return .get(claim.store, entry.key)
    }

    mutating func recalled(_ value: JSONValue) {
        guard let remembered = remembered(value) else { return }
        var isStopped = false
        while let frame = top.frames.last {
            if case .next = frame { break }
            if case .remember(let unit, _) = frame { isStopped = unit.steps.cache?.stops == true }
            top.frames.removeLast()
        }
        if isStopped { return dropKnown() }
        guard let members = remembered.object else { return }
        for member in EventMember.allCases where !Self.ownMembers.contains(member) {
            top.event[member] = members[member.key]
        }
        for member in members where EventMember(key: member.name) == nil { top.event[key: member.name] = member.value }
    }

    mutating func admit(_ cache: StepCache, owner: String) throws(StepFailure) -> StepOperation? {
        guard let entry = cache.entry(of: top.event, ingest: top.ingestValue, owner: owner) else { return nil }
        if claimedKeys.contains(entry.key) {
            dropKnown()
            return nil
        }
        if let claim, !claim(entry.key) { throw .occupied(entry.key) }
        claimedKeys.append(entry.key)
        let claim = CacheClaim(store: try plan.store(cache.store), entry: entry)
        top.cacheEntries.append(claim)
        return .get(claim.store, entry.key)
    }

    func keeping(_ claim: CacheClaim, value: JSONValue) -> StepOperation {
        let expiry = now + claim.entry.lifetimeMilliseconds
        let envelope: JSONValue = [Self.valueName: value, Self.expiryName: .number(JSONNumber(expiry))]
        return .set(claim.store, claim.entry.key, envelope, lifetimeMilliseconds: claim.entry.lifetimeMilliseconds)
    }

    /// What an envelope of the cache holds; nil if there is none or its time is over.
    func remembered(_ envelope: JSONValue) -> JSONValue? {
        guard let expiry = envelope[Self.expiryName].number?.integer, expiry > now else { return nil }
        let value = envelope[Self.valueName]
        return value.isMissing ? nil : value
    }

    // MARK: States

    func stateKey(_ state: StepState) throws(StepFailure) -> String? {
        let key = try value(state.key)
        return key.string.map { state.store == nil ? "state:" + $0 : $0 }
    }

    func keeping(_ state: StepState) throws(StepFailure) -> StepOperation? {
        guard case .set(let mapping) = state.action, let key = try stateKey(state) else { return nil }
        let value = try value(mapping)
        if value.isMissing { return nil }
        return .set(try plan.store(state.store), key, value, lifetimeMilliseconds: nil)
    }

    private func value(_ mapping: ValueMapping) throws(StepFailure) -> JSONValue {
        do {
            return try mapping.value(in: top.event, consent: consent, nowMilliseconds: now)
        } catch {
            throw .impossible("\(error)")
        }
    }
}
