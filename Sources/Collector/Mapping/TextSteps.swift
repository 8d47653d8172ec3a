import EventJSON

/// The steps of a path while values that are still text are walked over by them, names compared byte by byte.
///
/// The pointers are lent by the path, and valid as long as it is.
struct TextSteps {
    /// One step, in plain numbers, so that nothing is retained on the way.
    struct Step {
        /// The name as JSON text, quotes included.
        let name: TextSpan
        /// The array index that the name stands for, or -1.
        let index: Int32
    }

    /// What a path leads to.
    enum Found {
        case found(JSONSlice)
        case nothing
        /// An array where the step at that position is neither an index nor a name: `*`, `length`.
        case array(JSONSlice, Int)
    }

    /// Where a value at a path is to be written.
    enum Place {
        /// In the place of another.
        case value(JSONSlice)
        /// As a new member at this offset, the end of its object.
        case newMember(at: Int, isFirst: Bool)
        /// Only a tree can say.
        case unsuited
    }

    let names: UnsafePointer<UInt8>
    let steps: UnsafeBufferPointer<Step>

    @inline(__always)
    private func name(_ step: Step) -> UnsafeBufferPointer<UInt8> {
        UnsafeBufferPointer(start: names + Int(step.name.first), count: Int(step.name.count))
    }

    /// The last step's name as JSON text, quotes included.
    var lastName: UnsafeBufferPointer<UInt8> {
        steps.last.map(name) ?? UnsafeBufferPointer(start: nil, count: 0)
    }

    /// Walks over text from the step at `first`.
    func find(in bytes: UnsafeBufferPointer<UInt8>, at start: JSONSlice, from first: Int) -> Found {
        let lookup = JSONLookup(bytes)
        var slice = start
        var position = first
        while position < steps.count {
            let step = steps[position]
            switch slice.kind {
            case .object:
                guard let member = lookup.member(name(step), of: slice) else { return .nothing }
                slice = member
            case .array:
                guard step.index >= 0 else { return .array(slice, position) }
                guard let element = lookup.element(Int(step.index), of: slice) else { return .nothing }
                slice = element
            default: return .nothing
            }
            position += 1
        }
        return .found(slice)
    }

    /// Where a value belongs whose path leads through an event's member; the first step names the member.
    func place(in bytes: UnsafeBufferPointer<UInt8>, at member: JSONSlice) -> Place {
        let lookup = JSONLookup(bytes)
        var slice = member
        var position = 1
        while position < steps.count {
            guard slice.kind == .object else { return .unsuited }
            let step = steps[position]
            if let value = lookup.member(name(step), of: slice) {
                slice = value
            } else if position == steps.count - 1, step.index < 0 {
                return .newMember(at: Int(slice.end) - 1, isFirst: slice.count == 2)
            } else {
                return .unsuited
            }
            position += 1
        }
        return .value(slice)
    }
}
