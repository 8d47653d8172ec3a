public import EventJSON

extension JSONObject {
    /// The object with another's members laid over it, walkerOS's `assign`.
    ///
    /// Shallow: the other's value wins, except that two arrays are joined, leaving out elements already contained.
    /// Order: this object's members first, then the new ones.
    public func assigning(_ other: JSONObject) -> JSONObject {
        if isEmpty { return other }
        var result = self
        for member in other {
            if case .array(let new) = member.value, case .array(let old) = result[member.name] {
                result[member.name] = .array(Self.union(old, new))
            } else {
                result[member.name] = member.value
            }
        }
        return result
    }

    /// JavaScript compares objects by identity, so only scalars can be "already contained".
    private static func union(_ old: [JSONValue], _ new: [JSONValue]) -> [JSONValue] {
        var result = old
        for element in new {
            switch element {
            case .array, .object: result.append(element)
            default: if !result.contains(element) { result.append(element) }
            }
        }
        return result
    }
}
