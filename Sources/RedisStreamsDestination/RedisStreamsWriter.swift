import Collector
import EventJSON

/// Writes the XADD commands of a batch, into RESP or into a list alike.
struct RedisStreamsWriter {
    private struct Field {
        let name: JSONSlice
        let value: JSONSlice
    }

    private let settings: RedisStreamsSettings
    private let trimming: [String]
    /// The fields of one event; kept so that a batch allocates it once.
    private var fields: [Field] = []

    init(settings: RedisStreamsSettings) {
        self.settings = settings
        trimming = settings.maximumLength.map { ["MAXLEN"] + (settings.trimsExactly ? [] : ["~"]) + [String($0)] } ?? []
    }

    /// The stream that a delivery goes to: the rule's, when it names one, even the empty text; else the settings'.
    static func streamKey(of delivery: Delivery, _ settings: RedisStreamsSettings) -> String {
        delivery.rule?.settings["streamKey"].string ?? settings.streamKey
    }

    /// Writes one command.
    mutating func write(_ delivery: Delivery, to writer: inout some RedisArgumentWriter) {
        switch settings.serialization {
        case .json:
            begin(delivery, fieldCount: 1, &writer)
            writer.argument("event" as StaticString)
            writer.argument(delivery.event.json)
        case .flat:
            writeFlat(delivery, to: &writer)
        }
        writer.endCommand()
    }

    private func begin(_ delivery: Delivery, fieldCount: Int, _ writer: inout some RedisArgumentWriter) {
        writer.beginCommand(argumentCount: 3 + trimming.count + 2 * fieldCount)
        writer.argument("XADD" as StaticString)
        writer.argument(Self.streamKey(of: delivery, settings))
        for argument in trimming {
            writer.argument(argument)
        }
        writer.argument("*" as StaticString)
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
            var scanner = try JSONScanner(bytes, limits: JSONLimits(maximumByteCount: .max, maximumDepth: .max))
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
    func write(_ members: JSONObject, of delivery: Delivery, to writer: inout some RedisArgumentWriter) {
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
