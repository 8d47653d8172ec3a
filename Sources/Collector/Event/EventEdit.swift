import EventJSON

/// A complete event's text while values are put into it, one after another; then it is an event's text again.
///
/// The text is copied with the first change, all at once: that costs less than to keep the changes apart.
struct EventEdit {
    private(set) var bytes: [UInt8]
    private(set) var slices: InlineArray<15, JSONSlice>
    private(set) var isChanged = false

    /// Room for what changes usually add.
    private static let expectedGrowth = 256

    /// Begins with a text that has all fifteen members.
    init(_ text: EventText) {
        bytes = text.bytes
        slices = text.slices
    }

    /// The text as it is now.
    var text: EventText { EventText(bytes: bytes, slices: slices) }

    /// Puts a canonical value in a member's place.
    mutating func replace(_ member: EventMember, by value: UnsafeBufferPointer<UInt8>) {
        replace(slices[member.rawValue].range, in: member, by: value)
    }

    /// Sets the value at the path, nil for a missing one; false if only a tree can say what becomes of it: a step that
    /// is not an object, an index-like name that is new, a member that is taken away.
    mutating func set(
        _ value: UnsafeBufferPointer<UInt8>?,
        at path: (member: EventMember?, steps: TextSteps)
    ) -> Bool {
        guard let member = path.member else { return false }
        let place = bytes.withUnsafeBufferPointer { path.steps.place(in: $0, at: slices[member.rawValue]) }
        switch place {
        case .value(let slice):
            guard let value else { return false }
            replace(slice.range, in: member, by: value)
        case .newMember(let position, let isFirst):
            // What is missing is not written.
            guard let value else { return true }
            var position = position
            if !isFirst { insert(",", at: &position, in: member) }
            insert(path.steps.lastName, at: &position, in: member)
            insert(":", at: &position, in: member)
            insert(value, at: &position, in: member)
        case .unsuited: return false
        }
        return true
    }

    private mutating func insert(_ text: StaticString, at position: inout Int, in member: EventMember) {
        text.withUTF8Buffer { insert($0, at: &position, in: member) }
    }

    private mutating func insert(_ text: UnsafeBufferPointer<UInt8>, at position: inout Int, in member: EventMember) {
        replace(position..<position, in: member, by: text)
        position += text.count
    }

    private mutating func replace(_ range: Range<Int>, in member: EventMember, by text: UnsafeBufferPointer<UInt8>) {
        if !isChanged {
            isChanged = true
            var copy: [UInt8] = []
            copy.reserveCapacity(bytes.count + text.count + Self.expectedGrowth)
            copy.append(contentsOf: bytes)
            bytes = copy
        }
        bytes.replaceSubrange(range, with: text)
        let growth = text.count - range.count
        let old = slices[member.rawValue]
        let start = Int(old.start)
        slices[member.rawValue] = JSONSlice(
            start: start,
            end: Int(old.end) + growth,
            kind: JSONSlice.Kind(firstByte: bytes[start]),
            form: .canonical
        )
        if growth == 0 { return }
        for later in member.rawValue + 1..<slices.count {
            let old = slices[later]
            slices[later] = JSONSlice(
                start: Int(old.start) + growth,
                end: Int(old.end) + growth,
                kind: old.kind,
                form: .canonical
            )
        }
    }
}
