import EventJSON

/// Maps an event that is text into text: nothing is parsed into a tree that is only copied or moved.
///
/// The steps and their results are those of `Mapping.mapTree`. Where text does not suffice, the whole is left to it.
struct TextMapping: ~Copyable {
    private let mapping: Mapping.Content
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
        _ mapping: Mapping.Content,
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
        guard apply(mapping.program) else { return nil }
        var mapped = MappedEvent(event: event)
        chooseRule(for: &mapped)
        guard let rule = mapped.rule else {
            guard let data = write(dataOf: mapping.program) else { return nil }
            finish(&mapped, data)
            return mapped
        }
        guard let isGranted = isGranted(rule.consent) else { return nil }
        if !isGranted {
            mapped.isConsentDenied = true
            finish(&mapped, .missing)
            return mapped
        }
        if leftOutValues, !rule.policy.isEmpty { return nil }
        // The mapping's own data is made before the event gets its new name.
        let hasData = mapping.program.data >= 0
        let newName = rule.isIgnored ? [] : rule.nameText
        guard apply(rule.program, newName: hasData ? [] : newName) else { return nil }
        guard var data = write(dataOf: mapping.program) else { return nil }
        if hasData, !newName.isEmpty { edit.replace(.name, by: newName) }
        if rule.program.data >= 0, !rule.isIgnored {
            guard let ruleData = write(dataOf: rule.program) else { return nil }
            // Two objects become one.
            if data.isObject, ruleData.isObject { return nil }
            data = ruleData
        }
        mapped.isIgnored = rule.isIgnored
        finish(&mapped, data)
        return mapped
    }

    private func chooseRule(for mapped: inout MappedEvent) {
        guard let rules = mapping.rules else { return }
        let name = edit.text.slice(.name)
        guard let places = rules.places(named: name, in: edit.text.bytes) else { return }
        mapped.ruleKey = ""
        if let place = places.named, choose(from: place, for: &mapped) { return }
        if let place = places.any { _ = choose(from: place, for: &mapped) }
    }

    private func choose(from place: MappingRules.Place, for mapped: inout MappedEvent) -> Bool {
        for rule in place.rules where rule.condition == nil || rule.applies(to: present) {
            mapped.rule = rule
            mapped.ruleKey = place.key
            return true
        }
        return false
    }

    /// The event as it is now.
    var present: Event {
        edit.isChanged ? Event(edit.text) : event
    }

    private func finish(_ mapped: inout MappedEvent, _ data: MappedData) {
        if edit.isChanged { mapped.event = Event(edit.text) }
        mapped.content = data
        mapped.failureCount = failureCount
    }

    private func isGranted(_ requirement: ConsentRequirement) -> Bool? {
        if requirement.isEmpty { return true }
        let states = edit.text.slice(.consent)
        return requirement.isSatisfied(byTrueStates: states, in: edit.text.bytes)
    }

    /// Writes the data of a program; missing if there is none.
    private mutating func write(dataOf program: TextProgram) -> MappedData? {
        if program.data < 0 { return .missing }
        let source = edit.text
        var text = ByteWriter(capacity: Self.expectedByteCount)
        let outcome = program.withTables { tables in
            writeList(
                program.data,
                .event,
                Writing(program: program, tables: tables, text: source),
                to: &text
            )
        }
        withExtendedLifetime(source) {}
        switch outcome {
        case .written: return .text(ByteRun(text))
        case .missing, .failed: return .missing
        case .unsuited: return nil
        }
    }

    /// Computes all values of a policy, then writes them, and the event's new name if there is one; false if a tree is
    /// needed.
    private mutating func apply(_ program: TextProgram, newName: [UInt8] = []) -> Bool {
        let count = program.policy.count + (newName.isEmpty ? 0 : 1)
        if count == 0 { return true }
        var scratch = ByteWriter(capacity: Self.expectedByteCount)
        return withUnsafeTemporaryAllocation(of: EventEdit.Change.self, capacity: count) { changes in
            var changeCount = 0
            guard write(program, to: &scratch, changes, &changeCount) else { return false }
            if !newName.isEmpty {
                let range = edit.text.slice(.name).range
                let text = scratch.count..<scratch.count + newName.count
                scratch.append(contentsOf: newName)
                changes.initializeElement(
                    at: changeCount,
                    to: EventEdit.Change(range: range, text: text, isFirst: false)
                )
                changeCount += 1
            }
            let made = UnsafeMutableBufferPointer(rebasing: changes[..<changeCount])
            return edit.apply(made, from: scratch.written)
        }
    }

    /// Writes a policy's values one behind the other, and notes where each is to be put.
    private mutating func write(
        _ program: TextProgram,
        to scratch: inout ByteWriter,
        _ changes: UnsafeMutableBufferPointer<EventEdit.Change>,
        _ changeCount: inout Int
    ) -> Bool {
        let source = edit.text
        return withExtendedLifetime(source) {
            program.withTables { tables in
                let writing = Writing(program: program, tables: tables, text: source)
                for entry in program.policy {
                    let path = tables.path(entry.path)
                    guard let member = path.member else { return false }
                    let start = scratch.count
                    scratch.append(UInt8(ascii: ","))
                    scratch.append(contentsOf: path.steps.lastName)
                    scratch.append(UInt8(ascii: ":"))
                    let valueStart = scratch.count
                    let outcome = writeList(entry.node, .event, writing, to: &scratch)
                    if outcome == .unsuited { return false }
                    let place = path.steps.place(in: source.bytes, at: edit.text.slice(member))
                    let change: EventEdit.Change
                    switch place {
                    case .value(let slice):
                        // Only a tree takes a member away.
                        guard outcome == .written else { return false }
                        change = EventEdit.Change(range: slice.range, text: valueStart..<scratch.count, isFirst: false)
                    case .newMember(let position, let isFirst):
                        // What is missing is not written, but no other change may concern its place.
                        if outcome != .written { leftOutValues = true }
                        change = EventEdit.Change(
                            range: position..<position,
                            text: start..<(outcome == .written ? scratch.count : start),
                            isFirst: isFirst
                        )
                    case .unsuited: return false
                    }
                    changes.initializeElement(at: changeCount, to: change)
                    changeCount += 1
                }
                return true
            }
        }
    }
}
