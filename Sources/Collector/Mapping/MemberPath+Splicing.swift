import EventJSON

/// Setting a value in an object that is text, without a tree.
extension MemberPath {
    /// The object's text with the value set at the path's second and later steps; nil if only a tree can say what
    /// becomes of it: a step that is not an object, an index-like name that is new, a value that text cannot hold.
    func splice(
        _ value: JSONValue,
        into bytes: UnsafeBufferPointer<UInt8>,
        at object: JSONSlice
    ) -> [UInt8]? {
        guard Self.isFaithfulAsText(value) else { return nil }
        let lookup = JSONLookup(bytes)
        var container = object
        for position in 1..<steps.count - 1 {
            guard container.kind == .object,
                let member = lookup.member(steps[position].quotedName, of: container)
            else { return nil }
            container = member
        }
        guard container.kind == .object, let last = steps.last else { return nil }
        var text: [UInt8] = []
        text.reserveCapacity(object.count + last.quotedName.count + 96)
        if let old = lookup.member(last.quotedName, of: container) {
            text.append(contentsOf: UnsafeBufferPointer(rebasing: bytes[Int(object.start)..<Int(old.start)]))
            value.appendJSON(to: &text)
            text.append(contentsOf: UnsafeBufferPointer(rebasing: bytes[Int(old.end)..<Int(object.end)]))
        } else {
            guard last.index == nil else { return nil }
            let end = Int(container.end) - 1
            text.append(contentsOf: UnsafeBufferPointer(rebasing: bytes[Int(object.start)..<end]))
            if container.count > 2 { text.append(UInt8(ascii: ",")) }
            text.append(contentsOf: last.quotedName)
            text.append(UInt8(ascii: ":"))
            value.appendJSON(to: &text)
            text.append(contentsOf: UnsafeBufferPointer(rebasing: bytes[end..<Int(object.end)]))
        }
        return text
    }

    /// Whether the value comes back from its text as it was: a missing member is kept by a tree only, and so are
    /// numbers that are none.
    private static func isFaithfulAsText(_ value: JSONValue) -> Bool {
        switch value {
        case .null, .bool, .string: true
        case .number(let number): number.isFinite
        case .missing, .array, .object: false
        }
    }
}
