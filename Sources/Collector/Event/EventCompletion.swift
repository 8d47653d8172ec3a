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

    /// The sentence that senders read.
    public var description: String {
        switch self {
        case .nameRequired: "Event name is required"
        case .nameInvalid: "Event name is invalid"
        case .memberIsNull(let member): "Event \(member.key) must be an object, not null"
        case .notAnObject(let kind): "Event must be an object, not \(kind)"
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
        let (entity, action) = try incoming.words(in: bytes)
        var builder = EventTextBuilder(capacity: capacity(for: incoming))
        for member in EventMember.allCases {
            builder.begin(member)
            let slice = incoming[member]
            switch member {
            case .id:
                if let slice, slice.kind == .string, slice.count > 2 {
                    JSONCanonicalizer.append(slice, of: bytes, to: &builder.bytes)
                } else {
                    builder.bytes.append(UInt8(ascii: "\""))
                    identifiers.appendSpanID(to: &builder.bytes)
                    builder.bytes.append(UInt8(ascii: "\""))
                }
                builder.end(member, kind: .string)
            case .globals:
                try appendGlobals(slice, of: bytes, to: &builder)
            case .user:
                if slice?.kind == .null { throw .memberIsNull(.user) }
                append(slice, of: bytes, default: state.user.text, kind: .object, as: member, to: &builder)
            case .source:
                let source = SourceText(state: state, requestTrace: requestTrace)
                source.append(slice, of: bytes, to: &builder.bytes, count: count)
                builder.end(member, kind: .object)
            case .name:
                append(slice, of: bytes, default: [], kind: .string, as: member, to: &builder)
            case .entity:
                append(slice, of: bytes, default: entity, kind: .string, as: member, to: &builder)
            case .action:
                append(slice, of: bytes, default: action, kind: .string, as: member, to: &builder)
            case .trigger:
                append(slice, of: bytes, default: Self.emptyString, kind: .string, as: member, to: &builder)
            case .nested:
                append(slice, of: bytes, default: Self.emptyArray, kind: .array, as: member, to: &builder)
            case .consent:
                append(slice, of: bytes, default: state.consent.text, kind: .object, as: member, to: &builder)
            case .data, .context, .custom:
                append(slice, of: bytes, default: Self.emptyObject, kind: .object, as: member, to: &builder)
            case .timestamp:
                append(
                    slice,
                    of: bytes,
                    default: Array(String(nowMilliseconds).utf8),
                    kind: .number,
                    as: member,
                    to: &builder
                )
            case .timing:
                append(slice, of: bytes, default: timing, kind: .number, as: member, to: &builder)
            }
        }
        return Event(builder.finish())
    }

    private static let emptyObject = Array("{}".utf8)
    private static let emptyArray = Array("[]".utf8)
    private static let emptyString = Array("\"\"".utf8)

    private func append(
        _ slice: JSONSlice?,
        of bytes: UnsafeBufferPointer<UInt8>,
        default text: @autoclosure () -> [UInt8],
        kind: JSONSlice.Kind,
        as member: EventMember,
        to builder: inout EventTextBuilder
    ) {
        if let slice {
            JSONCanonicalizer.append(slice, of: bytes, to: &builder.bytes)
            builder.end(member, kind: slice.kind)
        } else {
            builder.bytes.append(contentsOf: text())
            builder.end(member, kind: kind)
        }
    }

    private func appendGlobals(
        _ slice: JSONSlice?,
        of bytes: UnsafeBufferPointer<UInt8>,
        to builder: inout EventTextBuilder
    ) throws(EventRefusal) {
        if slice?.kind == .null { throw .memberIsNull(.globals) }
        guard let slice, slice.kind == .object, !state.globals.object.isEmpty else {
            append(slice, of: bytes, default: state.globals.text, kind: .object, as: .globals, to: &builder)
            return
        }
        let own = JSONValue(validated: slice, in: bytes).object ?? [:]
        state.globals.object.assigning(own).appendJSON(to: &builder.bytes)
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
