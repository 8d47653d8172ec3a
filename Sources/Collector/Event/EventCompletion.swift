import EventJSON

/// Why an event cannot be taken as it is.
public enum EventRefusal: Error, Sendable, Equatable, CustomStringConvertible {
    /// The event has no name, or an empty one.
    case nameRequired
    /// The name is not two words separated by one space.
    case nameInvalid
    /// The member must be an object and is null.
    case memberIsNull(EventMember)
    /// Something other than an object stands in the place of an event.
    case notAnObject(String)
    /// The event takes more bytes than ``CollectorOptions/maximumEventByteCount``.
    case tooLarge(maximumByteCount: Int)

    /// The sentence that senders read.
    public var description: String {
        switch self {
        case .nameRequired: "Event name is required"
        case .nameInvalid: "Event name is invalid"
        case .memberIsNull(let member): "Event \(member.key) must be an object, not null"
        case .notAnObject(let kind): "Event must be an object, not \(kind)"
        case .tooLarge(let maximumByteCount): "Event is larger than \(maximumByteCount) bytes"
        }
    }

    /// Whether the sender is told that the event is invalid, as opposed to not processed.
    var isInvalid: Bool {
        if case .memberIsNull = self { false } else { true }
    }
}

/// Makes a complete event of what a sender wrote: fills in what is missing, in the fixed order of members.
struct EventCompletion {
    let state: StateSnapshot
    let nowMilliseconds: Int
    /// The trace of the request that brought the event, if it named one.
    let requestTrace: String?

    /// Checks and completes the event.
    ///
    /// - Parameter count: The event's number in the run, used unless the event brings its own; called at most once.
    func complete(
        _ incoming: IncomingEvent,
        in bytes: UnsafeBufferPointer<UInt8>,
        identifiers: inout IdentifierGenerator,
        count: () -> Int
    ) throws(EventRefusal) -> Event {
        let words = try incoming.words(in: bytes)
        var builder = EventTextBuilder(capacity: capacity(for: incoming))
        for member in EventMember.allCases {
            let slice = incoming[member]
            if slice?.kind == .null, member == .globals || member == .user { throw .memberIsNull(member) }
            if let slice, slice.form == .canonical, isTakenOver(slice, as: member) {
                builder.copy(member, slice, of: bytes)
                continue
            }
            builder.endRun(of: bytes)
            builder.begin(member)
            if let slice, isTakenOver(slice, as: member) {
                JSONCanonicalizer.append(slice, of: bytes, to: &builder.bytes)
                builder.end(member, kind: slice.kind)
                continue
            }
            switch member {
            case .name, .trigger: builder.end(member, default: #""""#, kind: .string)
            case .data, .context, .custom: builder.end(member, default: "{}", kind: .object)
            case .nested: builder.end(member, default: "[]", kind: .array)
            case .globals: appendGlobals(slice, of: bytes, to: &builder)
            case .user: builder.end(member, default: state.user.text, kind: .object)
            case .consent: builder.end(member, default: state.consent.text, kind: .object)
            case .id: builder.endOwnID(&identifiers)
            case .entity:
                words.appendEntity(of: bytes, to: &builder.bytes)
                builder.end(member, kind: .string)
            case .action:
                words.appendAction(of: bytes, to: &builder.bytes)
                builder.end(member, kind: .string)
            case .timestamp: builder.end(member, default: Array(String(nowMilliseconds).utf8), kind: .number)
            case .timing: builder.end(member, default: timing, kind: .number)
            case .source:
                let source = SourceText(state: state, requestTrace: requestTrace)
                source.append(slice, of: bytes, to: &builder.bytes, count: count)
                builder.end(member, kind: .object)
            }
        }
        return Event(builder.finish())
    }

    /// Whether the sender's value stands as it is, up to its form.
    private func isTakenOver(_ slice: JSONSlice, as member: EventMember) -> Bool {
        switch member {
        case .id: slice.kind == .string && slice.count > 2
        case .globals: slice.kind != .object || state.globals.object.isEmpty
        case .source: false
        default: true
        }
    }

    /// The collector's globals with the event's laid over them.
    private func appendGlobals(
        _ slice: JSONSlice?,
        of bytes: UnsafeBufferPointer<UInt8>,
        to builder: inout EventTextBuilder
    ) {
        guard let slice else { return builder.end(.globals, default: state.globals.text, kind: .object) }
        let own = JSONValue(validated: slice, in: bytes).object ?? [:]
        builder.bytes.append(contentsOf: JSONValue.object(state.globals.object.assigning(own)).jsonText)
        builder.end(.globals, kind: .object)
    }

    /// Seconds since the run began, rounded to two decimals.
    private var timing: [UInt8] {
        let hundredths = ((Double(nowMilliseconds - state.runStartMilliseconds)) / 10).rounded()
        return Array(JavaScriptNumber.text(of: hundredths / 100).utf8)
    }

    private func capacity(for incoming: IncomingEvent) -> Int {
        var capacity = 420 + state.user.text.count + state.globals.text.count + state.consent.text.count
        for member in EventMember.allCases { capacity += incoming[member]?.count ?? 0 }
        return capacity
    }
}
