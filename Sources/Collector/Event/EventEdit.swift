import EventJSON

/// A complete event's text while values are put into it; then it is an event's text again.
struct EventEdit {
    /// A value to be put somewhere, its text in a scratch buffer.
    struct Change {
        /// What is replaced in the event's text; empty to insert.
        let range: Range<Int>
        /// The new text, empty to leave all as it is. To insert, it begins with the comma before a member, which the first member does without.
        let text: Range<Int>
        /// Whether a member is inserted into an object that has none.
        let isFirst: Bool
    }

    /// The text as it is now.
    private(set) var text: EventText
    private(set) var isChanged = false

    /// Begins with a text that has all fifteen members.
    init(_ text: EventText) {
        self.text = text
    }

    /// Puts a canonical value in a member's place.
    mutating func replace(_ member: EventMember, by value: [UInt8]) {
        let change = Change(range: text.slice(member).range, text: 0..<value.count, isFirst: false)
        value.withUnsafeBufferPointer { value in
            withUnsafeTemporaryAllocation(of: Change.self, capacity: 1) { changes in
                changes.initializeElement(at: 0, to: change)
                _ = apply(changes, from: value)
            }
        }
    }

    /// Makes all changes in one copy of the text, whatever their order; false, and nothing is done, if two of them
    /// concern the same value or one lies within another.
    mutating func apply(_ changes: UnsafeMutableBufferPointer<Change>, from scratch: UnsafeBufferPointer<UInt8>) -> Bool
    {
        if changes.isEmpty { return true }
        Self.sort(changes)
        var growth = 0
        for position in changes.indices {
            let change = changes[position]
            if position > 0, change.range.lowerBound < changes[position - 1].range.upperBound { return false }
            growth += change.text.count - change.range.count
        }
        if growth == 0, changes.allSatisfy({ $0.text.isEmpty }) { return true }
        let old = text.bytes
        var new = ByteWriter(capacity: old.count + growth)
        var start = 0
        for position in changes.indices {
            let change = changes[position]
            new.append(contentsOf: UnsafeBufferPointer(rebasing: old[start..<change.range.lowerBound]))
            new.append(contentsOf: UnsafeBufferPointer(rebasing: scratch[Self.text(of: position, changes)]))
            start = change.range.upperBound
        }
        new.append(contentsOf: UnsafeBufferPointer(rebasing: old[start...]))
        let slices = shifted(by: changes, in: new.written)
        // The id may be among what was changed.
        text = EventText(new, slices: slices, isComplete: true, hasOwnID: false)
        isChanged = true
        return true
    }

    /// What a change puts in: without the comma if it brings an object's first member.
    private static func text(of position: Int, _ changes: UnsafeMutableBufferPointer<Change>) -> Range<Int> {
        let change = changes[position]
        guard change.isFirst, !change.text.isEmpty else { return change.text }
        var earlier = position - 1
        while earlier >= 0, changes[earlier].range == change.range {
            if !changes[earlier].text.isEmpty { return change.text }
            earlier -= 1
        }
        return change.text.lowerBound + 1..<change.text.upperBound
    }

    /// The members' slices where the changes put them.
    private func shifted(
        by changes: UnsafeMutableBufferPointer<Change>,
        in new: UnsafeBufferPointer<UInt8>
    ) -> InlineArray<15, JSONSlice> {
        var slices = text.slices
        var growth = 0
        var next = 0
        for member in slices.indices {
            let old = slices[member]
            let start = Int(old.start) + growth
            while next < changes.count, changes[next].range.upperBound <= Int(old.end) {
                growth += Self.text(of: next, changes).count - changes[next].range.count
                next += 1
            }
            slices[member] = JSONSlice(
                start: start,
                end: Int(old.end) + growth,
                kind: JSONSlice.Kind(firstByte: new[start]),
                form: .canonical
            )
        }
        return slices
    }

    /// Sorts by place; changes of one place keep their order.
    private static func sort(_ changes: UnsafeMutableBufferPointer<Change>) {
        for position in changes.indices.dropFirst() {
            var place = position
            while place > 0, changes[place - 1].range.lowerBound > changes[place].range.lowerBound {
                changes.swapAt(place, place - 1)
                place -= 1
            }
        }
    }
}
