import EventJSON

/// Maps an event that is text into text: nothing is parsed into a tree that is only copied or moved.
///
/// The steps and their results are those of `Mapping.mapTree`. Where text does not suffice, the whole is left to it.
struct TextMapping {
    let mapping: Mapping
    let event: Event
    let consent: JSONObject
    let nowMilliseconds: @Sendable () -> Int
    /// The event's text as it is now.
    var edit: EventEdit
    var failureCount = 0
    /// Whether a policy gave no value: what a later one then does to that path only a tree knows.
    private var leftOutValues = false

    /// Room for the data of most mappings.
    private static let expectedByteCount = 256

    init(
        _ mapping: Mapping,
        event: Event,
        text: EventText,
        consent: JSONObject,
        nowMilliseconds: @escaping @Sendable () -> Int
    ) {
        self.mapping = mapping
        self.event = event
        self.consent = consent
        self.nowMilliseconds = nowMilliseconds
        edit = EventEdit(text)
    }

    /// The mapped event; nil if a tree is needed.
    mutating func map() -> MappedEvent? {
        guard applyPolicy(of: mapping.program) else { return nil }
        var mapped = MappedEvent(event: event)
        if let rules = mapping.rules {
            (mapped.rule, mapped.ruleKey) = rules.rule(
                named: edit.slices[EventMember.name.rawValue],
                in: edit.bytes,
                event: { present }
            )
        }
        if let rule = mapped.rule {
            guard let isGranted = isGranted(rule.consent) else { return nil }
            if !isGranted {
                mapped.isConsentDenied = true
                return finished(mapped)
            }
            if leftOutValues, !rule.policy.isEmpty { return nil }
            guard applyPolicy(of: rule.program) else { return nil }
        }
        guard let data = data(of: mapping.program) else { return nil }
        if let rule = mapped.rule {
            if rule.isIgnored {
                mapped.isIgnored = true
                return finished(mapped, data)
            }
            if !rule.nameText.isEmpty { rule.nameText.withUnsafeBufferPointer { edit.replace(.name, by: $0) } }
            if rule.program.data >= 0 {
                guard let ruleData = self.data(of: rule.program) else { return nil }
                // Two objects become one.
                if data.first == UInt8(ascii: "{"), ruleData.first == UInt8(ascii: "{") { return nil }
                return finished(mapped, ruleData)
            }
        }
        return finished(mapped, data)
    }

    /// The event as it is now.
    var present: Event {
        edit.isChanged ? Event(edit.text) : event
    }

    private func finished(_ mapped: MappedEvent, _ data: [UInt8] = []) -> MappedEvent {
        var mapped = mapped
        if edit.isChanged { mapped.event = Event(edit.text) }
        mapped.content = .text(data)
        mapped.failureCount = failureCount
        return mapped
    }

    private func isGranted(_ requirement: ConsentRequirement) -> Bool? {
        if requirement.isEmpty { return true }
        let states = edit.slices[EventMember.consent.rawValue]
        return edit.bytes.withUnsafeBufferPointer { requirement.isSatisfied(byTrueStates: states, in: $0) }
    }

    /// The data's text, empty if there is none; nil if a tree is needed.
    private mutating func data(of program: TextProgram) -> [UInt8]? {
        if program.data < 0 { return [] }
        let bytes = edit.bytes
        return bytes.withUnsafeBufferPointer { bytes in
            program.withTables { tables -> [UInt8]? in
                var text: [UInt8] = []
                text.reserveCapacity(Self.expectedByteCount)
                let writing = Writing(program: program, tables: tables, bytes: bytes)
                return writeList(program.data, .event, writing, to: &text) == .unsuited ? nil : text
            }
        }
    }

    /// Computes all values of a policy, then writes them; false if a tree is needed.
    private mutating func applyPolicy(of program: TextProgram) -> Bool {
        if program.policy.isEmpty { return true }
        return program.withTables { tables in
            var values: [UInt8] = []
            values.reserveCapacity(Self.expectedByteCount)
            var ends: [Int] = []
            ends.reserveCapacity(program.policy.count)
            guard write(program, tables, to: &values, &ends) else { return false }
            return values.withUnsafeBufferPointer { values in
                var start = 0
                for position in ends.indices {
                    let end = ends[position]
                    if start == end { leftOutValues = true }
                    let value = start == end ? nil : UnsafeBufferPointer(rebasing: values[start..<end])
                    guard edit.set(value, at: tables.path(program.policy[position].path)) else { return false }
                    start = end
                }
                return true
            }
        }
    }

    private mutating func write(
        _ program: TextProgram,
        _ tables: TextProgram.Tables,
        to values: inout [UInt8],
        _ ends: inout [Int]
    ) -> Bool {
        let bytes = edit.bytes
        return bytes.withUnsafeBufferPointer { bytes in
            let writing = Writing(program: program, tables: tables, bytes: bytes)
            for entry in program.policy {
                if writeList(entry.node, .event, writing, to: &values) == .unsuited { return false }
                ends.append(values.count)
            }
            return true
        }
    }
}
