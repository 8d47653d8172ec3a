import EventJSON

/// An event as it stands in a queue: its text, and what it was accepted under, if that is more than nothing.
///
/// A record is the event's JSON object, so that whoever reads the stream reads events. What only the collector needs is
/// a last member, `$collector`, which no event has of its own: unknown members are dropped when events are accepted.
struct EventRecord: Sendable {
    /// What an event was accepted under.
    struct Circumstances: Sendable {
        /// The collector's consent.
        var consent = JSONObject()
        /// The collector's user.
        var user = JSONObject()
        /// Ids of the only destinations that get the event; nil for all.
        var include: [String]?
        /// Ids of destinations that do not get it.
        var exclude: [String] = []
        /// What the source noted of the request.
        var ingest: Ingest?

        /// Whether the destination gets the event.
        func allows(_ destination: String) -> Bool {
            (include?.contains(destination) ?? true) && !exclude.contains(destination)
        }
    }

    let event: Event
    let circumstances: Circumstances

    static let memberName = "$collector"

    /// Appends an event's record.
    static func append(_ event: Event, _ circumstances: Circumstances, to bytes: inout [UInt8]) {
        event.appendJSON(to: &bytes)
        let object = circumstances.object
        if object.isEmpty { return }
        bytes.removeLast()
        bytes.append(contentsOf: #","\#(memberName)":"#.utf8)
        JSONValue.object(object).appendJSON(to: &bytes)
        bytes.append(UInt8(ascii: "}"))
    }

    /// Reads a dead letter's event.
    ///
    /// - Throws: `JSONError` if it is none.
    init(letter bytes: UnsafeBufferPointer<UInt8>, in range: Range<Int>) throws(JSONError) {
        var scanner = try JSONScanner(bytes, in: range, limits: .unbounded)
        try scanner.enterObject()
        while let name = try scanner.nextName() {
            let value = try scanner.scanValue()
            guard bytes[name.range].elementsEqual("\"event\"".utf8) else { continue }
            self = try EventRecord(bytes, in: value.range)
            return
        }
        throw JSONError(.unexpectedByte, at: range.lowerBound)
    }

    /// Reads a record.
    ///
    /// - Throws: `JSONError` if it is no object: only of what others wrote into the stream.
    init(_ bytes: UnsafeBufferPointer<UInt8>, in range: Range<Int>) throws(JSONError) {
        var scanner = try JSONScanner(bytes, in: range, limits: .unbounded)
        var slices = InlineArray<15, JSONSlice>(repeating: .none)
        var circumstances = Circumstances()
        try scanner.enterObject()
        while let name = try scanner.nextName() {
            let value = try scanner.scanValue()
            let text = UnsafeBufferPointer(rebasing: bytes[name.range.dropFirst().dropLast()])
            if let member = EventMember(utf8: text) {
                slices[member.rawValue] = value
            } else if text.elementsEqual(Self.memberName.utf8) {
                circumstances = Circumstances(JSONValue(validated: value, in: bytes))
            }
        }
        try scanner.expectEnd()
        var builder = EventTextBuilder(capacity: range.count + 1)
        for member in EventMember.allCases where slices[member.rawValue].count > 0 {
            builder.copy(member, slices[member.rawValue], of: bytes)
        }
        builder.endRun(of: bytes)
        event = Event(builder.finish())
        self.circumstances = circumstances
    }
}

extension EventRecord.Circumstances {
    /// What an event is accepted under now.
    init(_ state: StateSnapshot, _ options: PushOptions) {
        self.init(
            consent: state.consent.object,
            user: state.user.object,
            include: options.include,
            exclude: options.exclude,
            ingest: options.ingest
        )
    }

    fileprivate init(_ value: JSONValue) {
        self.init()
        consent = value["consent"].object ?? [:]
        user = value["user"].object ?? [:]
        include = value["include"].array?.compactMap(\.string)
        exclude = value["exclude"].array?.compactMap(\.string) ?? []
        let noted = value["ingest"]
        ingest = noted.isMissing ? nil : Ingest(noted)
    }

    fileprivate var object: JSONObject {
        var object = JSONObject()
        if !consent.isEmpty { object["consent"] = .object(consent) }
        if !user.isEmpty { object["user"] = .object(user) }
        if let include { object["include"] = .array(include.map(JSONValue.string)) }
        if !exclude.isEmpty { object["exclude"] = .array(exclude.map(JSONValue.string)) }
        if let ingest { object["ingest"] = ingest.value }
        return object
    }
}
