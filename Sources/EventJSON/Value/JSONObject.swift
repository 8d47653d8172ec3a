/// The members of a JSON object in their order.
///
/// Order follows JavaScript: names that look like array indices (`"0"`, `"17"`) come first, ascending; all others in
/// the order in which they were first set. A member that is set again keeps its place.
public struct JSONObject: Sendable {
    /// One member.
    public struct Member: Sendable, Equatable {
        /// The member's name.
        public let name: String
        /// The member's value.
        public var value: JSONValue

        /// A member of that name and value.
        public init(name: String, value: JSONValue) {
            self.name = name
            self.value = value
        }
    }

    /// The members in order.
    public private(set) var members: [Member] = []

    /// Where each name stands, once there are so many members that a linear search would be slow.
    private var positions: [ExactString: Int] = [:]

    /// The number of members from which names are indexed.
    private static let indexingThreshold = 16

    /// An empty object.
    public init() {}

    /// An object of members in the order in which they were written; names may be repeated or out of order.
    ///
    /// It takes as long as there are members, whatever their names: strangers choose them.
    init(asWritten written: [Member]) {
        var places = Dictionary<ExactString, Int>(minimumCapacity: written.count)
        var distinct: [Member] = []
        var numbered: [(number: UInt32, place: Int)] = []
        for member in written {
            let name = ExactString(member.name)
            if let place = places[name] {
                distinct[place].value = member.value
                continue
            }
            places[name] = distinct.count
            if let number = Self.arrayIndex(member.name) { numbered.append((number, distinct.count)) }
            distinct.append(member)
        }
        if numbered.isEmpty {
            members = distinct
        } else {
            numbered.sort { $0.number < $1.number }
            members = numbered.map { distinct[$0.place] }
            members += distinct.filter { Self.arrayIndex($0.name) == nil }
        }
        reindex()
    }

    /// Whether there are no members.
    public var isEmpty: Bool { members.isEmpty }

    /// The number of members.
    public var count: Int { members.count }

    /// Makes room for that many members.
    public mutating func reserveCapacity(_ count: Int) {
        members.reserveCapacity(count)
    }

    /// The value of that name; missing if there is none. Setting `missing` keeps the member, which text leaves out.
    public subscript(name: String) -> JSONValue {
        get {
            position(of: name).map { members[$0].value } ?? .missing
        }
        set {
            if let position = position(of: name) {
                members[position].value = newValue
            } else {
                insert(Member(name: name, value: newValue))
            }
        }
    }

    /// Whether there is a member of that name, even a missing one.
    public func contains(_ name: String) -> Bool {
        position(of: name) != nil
    }

    /// Removes the member of that name, if any.
    public mutating func remove(_ name: String) {
        guard let position = position(of: name) else { return }
        members.remove(at: position)
        reindex()
    }

    /// Appends a member whose name the object does not have and which belongs at the end.
    package mutating func append(_ name: String, _ value: JSONValue) {
        members.append(Member(name: name, value: value))
        noteLastMember()
    }

    /// Changes the value of that name where it lies, without copying it first.
    mutating func modify(_ name: String, _ change: (inout JSONValue) -> Void) {
        var value = JSONValue.missing
        if let position = position(of: name) {
            swap(&value, &members[position].value)
            change(&value)
            swap(&value, &members[position].value)
        } else {
            change(&value)
            insert(Member(name: name, value: value))
        }
    }

    private func position(of name: String) -> Int? {
        if members.count > Self.indexingThreshold { return positions[ExactString(name)] }
        return members.firstIndex { ExactString($0.name) == ExactString(name) }
    }

    private mutating func insert(_ member: Member) {
        if let number = Self.arrayIndex(member.name) {
            let position = members.firstIndex { other in Self.arrayIndex(other.name).map { $0 > number } ?? true }
            if let position {
                members.insert(member, at: position)
                reindex()
                return
            }
        }
        append(member.name, member.value)
    }

    private mutating func noteLastMember() {
        if members.count == Self.indexingThreshold + 1 {
            reindex()
        } else if members.count > Self.indexingThreshold {
            positions[ExactString(members[members.count - 1].name)] = members.count - 1
        }
    }

    private mutating func reindex() {
        guard members.count > Self.indexingThreshold else { return positions = [:] }
        positions = Dictionary(minimumCapacity: members.count * 2)
        for (position, member) in members.enumerated() { positions[ExactString(member.name)] = position }
    }

    /// The number a name stands for if JavaScript takes it for an array index: `0` to `4294967294`, no leading zero.
    @usableFromInline
    static func arrayIndex(_ name: String) -> UInt32? {
        guard let first = name.utf8.first, first >= 0x30, first <= 0x39, name.utf8.count <= 10 else { return nil }
        if first == 0x30 && name.utf8.count > 1 { return nil }
        guard let number = UInt32(name), number != .max else { return nil }
        return number
    }
}

extension JSONObject: Sequence {
    /// The members in order.
    public func makeIterator() -> IndexingIterator<[Member]> { members.makeIterator() }
}

extension JSONObject: Equatable {
    /// Objects are equal when they have the same members, whatever their order; missing members do not count.
    public static func == (left: JSONObject, right: JSONObject) -> Bool {
        let leftMembers = left.members.filter { !$0.value.isMissing }
        guard leftMembers.count == right.members.count(where: { !$0.value.isMissing }) else { return false }
        return leftMembers.allSatisfy { right[$0.name] == $0.value }
    }
}

extension JSONObject: ExpressibleByDictionaryLiteral {
    /// An object; a repeated name keeps its first place and takes the last value.
    public init(dictionaryLiteral elements: (String, JSONValue)...) {
        for (name, value) in elements { self[name] = value }
    }
}
