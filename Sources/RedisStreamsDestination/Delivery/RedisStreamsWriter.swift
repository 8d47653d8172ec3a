import Collector
import EventJSON

/// Writes the XADD commands of a batch, into RESP or into a list alike.
struct RedisStreamsWriter: Sendable {
    private struct Field: Sendable {
        let name: JSONSlice
        let value: JSONSlice
    }

    private let settings: RedisStreamsSettings
    /// The fields of one event; kept so that a batch allocates it once.
    private var fields: [Field] = []
    /// What the commands for one stream begin with, by partition; most batches need only one.
    private var heads: [RedisCommandHead?]
    /// The same for all streams, shared by the writers of all batches.
    private let knownHeads = RedisCommandHeads()
    private var headStreamKey: String
    /// The id of the entry that is written; nil: Redis chooses.
    private var entryID: RedisEntryID?

    init(settings: RedisStreamsSettings) {
        self.settings = settings
        let fieldCount = settings.serialization == .json ? 1 : EventMember.allCases.count
        heads = Array(repeating: nil, count: settings.partitioning?.count ?? 1)
        headStreamKey = settings.streamKey
        if settings.partitioning == nil {
            heads[0] = Self.makeHead(settings, streamKey: settings.streamKey, fieldCount: fieldCount)
        }
    }

    /// Writes one command; `entryID` is for a single writer, who chooses the ids.
    mutating func write(
        _ delivery: Delivery,
        entryID: RedisEntryID? = nil,
        to writer: inout some RedisArgumentWriter
    ) {
        self.entryID = entryID
        switch settings.serialization {
        case .json:
            begin(delivery, fieldCount: 1, &writer)
            writer.argument(delivery.event.json)
        case .flat:
            writeFlat(delivery, to: &writer)
        }
        writer.endCommand()
    }

    private mutating func begin(_ delivery: Delivery, fieldCount: Int, _ writer: inout some RedisArgumentWriter) {
        let streamKey = settings.logicalStreamKey(of: delivery)
        let argumentCount = Self.argumentCount(settings, fieldCount: fieldCount)
        let partition = settings.partition(of: delivery)
        // Compared byte by byte: to Swift, two keys with the same accents in two spellings are equal; to Redis not.
        if ExactString(streamKey) != ExactString(headStreamKey) {
            for index in heads.indices { heads[index] = nil }
            headStreamKey = streamKey
        }
        if let head = heads[partition], head.argumentCount == argumentCount {
            writer.beginCommand(head)
        } else {
            let key = settings.partitioning == nil ? streamKey : "\(streamKey):\(partition)"
            let head = knownHeads.head(streamKey: key, argumentCount: argumentCount) {
                Self.makeHead(settings, streamKey: key, fieldCount: fieldCount)
            }
            heads[partition] = head
            writer.beginCommand(head)
        }
        guard settings.isSingleWriter else { return }
        if let entryID { writer.argument(entryID.description) } else { writer.argument("*" as StaticString) }
        if settings.serialization == .json { writer.argument("event" as StaticString) }
    }

    /// `XADD <streamKey> [MAXLEN [~] <maxLen>] *`, and for json the name of its only field.
    ///
    /// A single writer's commands go on after the trimming, with an id each.
    private static func makeHead(
        _ settings: RedisStreamsSettings,
        streamKey: String,
        fieldCount: Int
    ) -> RedisCommandHead {
        var arguments = ["XADD", streamKey]
        if let length = settings.maximumLength {
            arguments += ["MAXLEN"] + (settings.trimsExactly ? [] : ["~"]) + [String(length)]
        }
        if !settings.isSingleWriter {
            arguments.append("*")
            if settings.serialization == .json { arguments.append("event") }
        }
        return RedisCommandHead(
            arguments.map { Array($0.utf8) },
            argumentCount: argumentCount(settings, fieldCount: fieldCount)
        )
    }

    private static func argumentCount(_ settings: RedisStreamsSettings, fieldCount: Int) -> Int {
        let trimmingCount = settings.maximumLength == nil ? 0 : settings.trimsExactly ? 2 : 3
        return 3 + trimmingCount + 2 * fieldCount
    }
}

// MARK: - One field per member

extension RedisStreamsWriter {
    /// Writes each member's value as JavaScript's `String(value)` would, but objects and arrays as their JSON text.
    private mutating func writeFlat(_ delivery: Delivery, to writer: inout some RedisArgumentWriter) {
        delivery.event.json.withUnsafeBufferPointer { bytes in
            findFields(bytes)
            if fields.count < EventMember.allCases.count, let members = membersWithoutValue(of: delivery.event) {
                return write(members, of: delivery, to: &writer)
            }
            begin(delivery, fieldCount: fields.count, &writer)
            for field in fields {
                Self.write(text: field.name, of: bytes, to: &writer)
                Self.write(text: field.value, of: bytes, to: &writer)
            }
        }
    }

    /// The members of an event of which a policy set some to nothing; nil when all have a value.
    ///
    /// A member without a value is not in the event's text, but walkerOS writes it: as "undefined".
    private func membersWithoutValue(of event: Event) -> JSONObject? {
        let members = event.object
        return members.contains { $0.value.isMissing } ? members : nil
    }

    /// Finds the members of the event.
    ///
    /// Its text is always a valid object: the collector made it.
    private mutating func findFields(_ bytes: UnsafeBufferPointer<UInt8>) {
        fields.removeAll(keepingCapacity: true)
        do throws(JSONError) {
            var scanner = try JSONScanner(bytes, limits: .unbounded)
            try scanner.enterObject()
            while let name = try scanner.nextName() {
                fields.append(Field(name: name, value: try scanner.scanValue()))
            }
        } catch {
            assertionFailure("an event's own text is not valid JSON: \(error)")
        }
    }

    // All but strings are written as they stand in the JSON text; so numbers keep their text.
    private static func write(
        text slice: JSONSlice,
        of bytes: UnsafeBufferPointer<UInt8>,
        to writer: inout some RedisArgumentWriter
    ) {
        let text = UnsafeRawBufferPointer(UnsafeBufferPointer(rebasing: bytes[slice.range]))
        guard slice.kind == .string else { return writer.argument(text) }
        if text.contains(UInt8(ascii: "\\")) {
            writer.argument(JSONValue(validated: slice, in: bytes).string ?? "")
        } else {
            writer.argument(UnsafeRawBufferPointer(rebasing: text.dropFirst().dropLast()))
        }
    }

    /// The same from values: slower, and it knows members without one.
    mutating func write(_ members: JSONObject, of delivery: Delivery, to writer: inout some RedisArgumentWriter) {
        begin(delivery, fieldCount: members.count, &writer)
        for member in members {
            writer.argument(member.name)
            switch member.value {
            case .missing: writer.argument("undefined" as StaticString)
            case .string(let text): writer.argument(text)
            case .number(let number): writer.argument(number.text)
            case .null, .bool, .array, .object: writer.argument(member.value.jsonText)
            }
        }
    }
}
