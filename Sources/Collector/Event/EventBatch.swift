public import EventJSON

/// The events of one request body, scanned but not yet completed: a single event, an array, or `{"batch": […]}`.
///
/// The whole text is validated first, so that a malformed body brings no event at all. The batch borrows the bytes.
///
/// ```swift
/// let batch = try EventBatch(json: bytes)
/// collector.push(batch, options: PushOptions(source: "http")) { results in … }
/// ```
public struct EventBatch: ~Copyable {
    let bytes: UnsafeBufferPointer<UInt8>
    private(set) var events: [IncomingEvent] = []
    /// Whether the sender wrote a list.
    public private(set) var isList = false
    /// Whether the text was neither an object nor an array; there is then one event without members.
    public private(set) var isScalar = false

    /// The number of events.
    public var count: Int { events.count }

    /// Scans a body. Of a list with more events than `maximumCount`, one more than that is kept, and the rest is only
    /// validated: what is known of an event takes more memory than the two bytes it may be written in.
    ///
    /// - Throws: `JSONError` with the byte at fault.
    public init(
        json bytes: UnsafeBufferPointer<UInt8>,
        limits: JSONLimits = JSONLimits(),
        maximumCount: Int = .max
    ) throws(JSONError) {
        self.bytes = bytes
        var scanner = try JSONScanner(bytes, limits: limits)
        switch try scanner.peek() {
        case UInt8(ascii: "["):
            isList = true
            events = try Self.list(&scanner, in: bytes, maximumCount: maximumCount)
        case UInt8(ascii: "{"):
            try scanObject(&scanner, maximumCount: maximumCount)
        default:
            _ = try scanner.scanValue()
            isScalar = true
            events = [IncomingEvent()]
        }
        try scanner.expectEnd()
    }

    /// Scans lines of JSON ([NDJSON](https://github.com/ndjson/ndjson-spec)), one event each; blank lines are left out.
    ///
    /// A line that is no JSON brings no event and is added to `refused`, with its place among the lines, from 0.
    /// `places` has the place of each event's line.
    public init(
        lines bytes: UnsafeBufferPointer<UInt8>,
        limits: JSONLimits = JSONLimits(),
        places: inout [Int],
        refused: inout [(place: Int, error: JSONError)]
    ) {
        self.bytes = bytes
        isList = true
        var start = 0
        var place = 0
        while start < bytes.count {
            let end = bytes[start...].firstIndex(of: UInt8(ascii: "\n")) ?? bytes.count
            do throws(JSONError) {
                if let event = try Self.line(start..<end, in: bytes, limits: limits) {
                    events.append(event)
                    places.append(place)
                }
            } catch {
                refused.append((place, JSONError(error.code, at: error.offset - start)))
            }
            start = end + 1
            place += 1
        }
    }

    /// The event of a line; nil if it is blank.
    private static func line(
        _ range: Range<Int>,
        in bytes: UnsafeBufferPointer<UInt8>,
        limits: JSONLimits
    ) throws(JSONError) -> IncomingEvent? {
        var scanner = try JSONScanner(bytes, in: range, limits: limits)
        if scanner.isAtEnd { return nil }
        let event = try IncomingEvent(&scanner, in: bytes)
        try scanner.expectEnd()
        return event
    }

    /// One event without members, as for a request that brings no JSON: it is refused for want of a name.
    public static func empty() -> EventBatch { EventBatch() }

    private init() {
        bytes = UnsafeBufferPointer(start: nil, count: 0)
        events = [IncomingEvent()]
    }

    private mutating func scanObject(_ scanner: inout JSONScanner, maximumCount: Int) throws(JSONError) {
        var single = IncomingEvent()
        let start = scanner.position
        try scanner.enterObject()
        while let name = try scanner.nextName() {
            if Self.isNamedBatch(name, in: bytes) {
                isList = try scanner.peek() == UInt8(ascii: "[")
                if isList {
                    events = try Self.list(&scanner, in: bytes, maximumCount: maximumCount)
                    continue
                }
            }
            let value = try scanner.scanValue()
            single.note(value, named: name, in: bytes)
        }
        if isList { return }
        single.close(start..<scanner.position)
        events = [single]
    }

    private static func isNamedBatch(_ name: JSONSlice, in bytes: UnsafeBufferPointer<UInt8>) -> Bool {
        name.count == 7 && bytes[name.range].elementsEqual("\"batch\"".utf8)
    }

    private static func list(
        _ scanner: inout JSONScanner,
        in bytes: UnsafeBufferPointer<UInt8>,
        maximumCount: Int
    ) throws(JSONError) -> [IncomingEvent] {
        var events: [IncomingEvent] = []
        try scanner.enterArray()
        while try scanner.nextElement(isFirst: events.isEmpty) {
            if events.count <= maximumCount {
                events.append(try IncomingEvent(&scanner, in: bytes))
            } else {
                _ = try scanner.scanValue()
            }
        }
        return events
    }
}
