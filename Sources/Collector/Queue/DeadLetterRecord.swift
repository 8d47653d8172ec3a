public import EventJSON

/// A dead letter as it stands in a queue: `{"event": …, "reason": …, "attempts": …, "destination": …, "time": …}`.
///
/// The event is the one that was accepted, so that it can be delivered again under other rules; `time` is when it was
/// given up, in milliseconds since 1970.
public struct DeadLetterRecord: Sendable {
    /// The event, as it was accepted.
    public let event: Event
    /// Why it was not delivered.
    public let reason: String
    /// How often it was tried.
    public let attemptCount: Int
    /// The destination that did not take it.
    public let destination: String
    /// When it was given up, in milliseconds since 1970.
    public let milliseconds: Int

    /// Reads a record.
    ///
    /// - Throws: `JSONError` if it is no dead letter.
    public init(json bytes: [UInt8]) throws(JSONError) {
        let object = try JSONValue(jsonText: bytes, limits: .unbounded)
        guard object["event"].object != nil else { throw JSONError(.unexpectedByte, at: 0) }
        event = try Event(jsonText: object["event"].jsonText)
        reason = object["reason"].string ?? ""
        attemptCount = object["attempts"].number?.integer ?? 0
        destination = object["destination"].string ?? ""
        milliseconds = object["time"].number?.integer ?? 0
    }

    /// Appends a letter's record; `eventText` is the event as it was accepted, if that is known.
    static func append(
        _ letter: DeadLetter,
        eventText: EventText?,
        destination: String,
        milliseconds: Int,
        to bytes: inout [UInt8]
    ) {
        bytes.append(contentsOf: #"{"event":"#.utf8)
        if let eventText {
            bytes.append(contentsOf: eventText.bytes)
        } else {
            letter.event.appendJSON(to: &bytes)
        }
        let rest: JSONObject = [
            "reason": .string(letter.reason),
            "attempts": .number(JSONNumber(letter.attemptCount)),
            "destination": .string(destination),
            "time": .number(JSONNumber(milliseconds)),
        ]
        bytes.append(UInt8(ascii: ","))
        bytes.append(contentsOf: JSONValue.object(rest).jsonText.dropFirst())
    }
}
