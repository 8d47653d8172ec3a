import EventJSON
import Synchronization

/// The canonical JSON text of an event and where its values lie in it. Never changes once built.
final class EventText: @unchecked Sendable {
    // Sendable: the memory belongs to the text alone and is only read until it ends.
    /// The text, as long as the object exists: an object of the fifteen members in order, no spaces.
    let bytes: UnsafeBufferPointer<UInt8>
    /// Where each member's value lies, in the order of `EventMember`.
    let slices: InlineArray<15, JSONSlice>
    /// Whether all fifteen members are there.
    let isComplete: Bool
    /// Whether the id was made by the collector, so that no sender can send it again.
    let hasOwnID: Bool

    /// The bytes of all texts in memory, whoever keeps them: a few senders of large events could else fill it while a
    /// destination is away.
    static let liveByteCount = Atomic<Int>(0)

    /// Takes over what was written.
    init(_ writer: consuming ByteWriter, slices: InlineArray<15, JSONSlice>, isComplete: Bool, hasOwnID: Bool = false) {
        self.hasOwnID = hasOwnID
        bytes = writer.finish()
        self.slices = slices
        self.isComplete = isComplete
        Self.liveByteCount.add(bytes.count, ordering: .relaxed)
    }

    deinit {
        Self.liveByteCount.subtract(bytes.count, ordering: .relaxed)
        bytes.deallocate()
    }

    /// The text of an event without members.
    static let empty = EventTextBuilder(capacity: 2).finish()

    func isAbsent(_ member: EventMember) -> Bool {
        slices[member.rawValue].count == 0
    }

    func slice(_ member: EventMember) -> JSONSlice {
        slices[member.rawValue]
    }

    /// The member's value as a tree.
    func value(_ member: EventMember) -> JSONValue {
        if isAbsent(member) { return .missing }
        return JSONValue(validated: slices[member.rawValue], in: bytes)
    }
}

/// Collects the text of an event member by member.
///
/// Members that follow each other in the sender's bytes as they do in the event are copied in one run.
struct EventTextBuilder: ~Copyable {
    var bytes: ByteWriter
    private var slices = InlineArray<15, JSONSlice>(repeating: JSONSlice.none)
    private var start = 0
    private var hasOwnID = false
    /// What of the sender's bytes is still to be copied.
    private var run = 0..<0

    init(capacity: Int) {
        bytes = ByteWriter(capacity: capacity)
    }

    /// Takes a member over from the sender's bytes, where its value is canonical.
    mutating func copy(_ member: EventMember, _ slice: JSONSlice, of sender: UnsafeBufferPointer<UInt8>) {
        let range = slice.range
        // Just as many bytes as a comma, the name and a colon lie between: they can be nothing else.
        if !run.isEmpty, run.upperBound + member.prefix.utf8CodeUnitCount == range.lowerBound {
            run = run.lowerBound..<range.upperBound
        } else {
            endRun(of: sender)
            begin(member)
            run = range
        }
        let end = bytes.count + run.count
        slices[member.rawValue] = JSONSlice(start: end - range.count, end: end, kind: slice.kind, form: .canonical)
    }

    /// Copies what was taken over; needed before anything else is written.
    mutating func endRun(of sender: UnsafeBufferPointer<UInt8>) {
        if run.isEmpty { return }
        bytes.append(contentsOf: UnsafeBufferPointer(rebasing: sender[run]))
        run = 0..<0
    }

    /// Writes the member's name; the caller then appends its value to `bytes` and calls `end`.
    mutating func begin(_ member: EventMember) {
        let isFirst = bytes.isEmpty
        bytes.append(member.prefix)
        if isFirst { bytes[0] = UInt8(ascii: "{") }
        start = bytes.count
    }

    /// Notes that the member's value, of that kind, is complete.
    mutating func end(_ member: EventMember, kind: JSONSlice.Kind) {
        slices[member.rawValue] = JSONSlice(start: start, end: bytes.count, kind: kind, form: .canonical)
    }

    /// Writes a value of that kind, and notes that it is complete.
    mutating func end(_ member: EventMember, default text: [UInt8], kind: JSONSlice.Kind) {
        bytes.append(contentsOf: text)
        end(member, kind: kind)
    }

    /// Writes a value of that kind, and notes that it is complete.
    mutating func end(_ member: EventMember, default text: StaticString, kind: JSONSlice.Kind) {
        bytes.append(text)
        end(member, kind: kind)
    }

    /// Writes an id that no sender knows.
    mutating func endOwnID(_ identifiers: inout IdentifierGenerator) {
        bytes.append(UInt8(ascii: "\""))
        identifiers.appendSpanID(to: &bytes)
        bytes.append(UInt8(ascii: "\""))
        end(.id, kind: .string)
        hasOwnID = true
    }

    /// Notes that the member's value is complete; its kind is read from the text.
    mutating func end(_ member: EventMember) {
        end(member, kind: JSONSlice.Kind(firstByte: bytes[start]))
    }

    consuming func finish() -> EventText {
        if bytes.isEmpty { bytes.append(UInt8(ascii: "{")) }
        bytes.append(UInt8(ascii: "}"))
        var isComplete = true
        for position in slices.indices where slices[position].count == 0 { isComplete = false }
        return EventText(bytes, slices: slices, isComplete: isComplete, hasOwnID: hasOwnID)
    }
}

extension JSONSlice {
    /// No value: where a builder has not written yet.
    static var none: JSONSlice { JSONSlice(start: 0, end: 0, kind: .null, form: .canonical) }
}
