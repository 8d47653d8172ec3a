/// A way of bringing events: how many in a request, and whether Redis has them when it is answered.
struct IngestWay: Equatable {
    let name: String
    let path: String
    let eventsPerRequest: Int

    static let all = [
        IngestWay(name: "single, after XADD", path: "/collect", eventsPerRequest: 1),
        IngestWay(name: "100 per request, after XADD", path: "/collect", eventsPerRequest: 100),
        IngestWay(name: "single, on accept", path: "/early", eventsPerRequest: 1),
        IngestWay(name: "100 per request, on accept", path: "/early", eventsPerRequest: 100),
    ]

    var body: [UInt8] {
        // Without its id, by which a log would know all but the first as duplicates.
        let text = String(decoding: WorkInput.product.text, as: UTF8.self)
        let event = Array(text.split(separator: #""id":"0123456789abcdef","#).joined().utf8)
        guard eventsPerRequest > 1 else { return event }
        let events = Array(repeating: event, count: eventsPerRequest)
        return [UInt8(ascii: "[")] + events.joined(separator: [UInt8(ascii: ",")]) + [UInt8(ascii: "]")]
    }
}
