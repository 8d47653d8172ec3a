public import EventJSON
import Synchronization

/// Knows what was sent and what was promised, and judges what arrived.
///
/// An id that was acknowledged is an obligation. What an id's event holds follows from the seed and the id alone, so
/// that a run can be repeated and nothing has to be remembered to see a changed event.
///
/// ```swift
/// let oracle = EventOracle(seed: 7)
/// let request = oracle.next(producer: 0, count: 3)
/// if try await post(request.json).status == 200 { oracle.acknowledge(request) }
/// let judgement = oracle.judge(eventsInTheDestination)
/// #expect(judgement.missing.isEmpty)
/// ```
public final class EventOracle: Sendable {
    /// Events to be sent together.
    public struct Request: Sendable {
        /// Their ids, in order.
        public let ids: [String]
        /// The body: an event, or an array of several.
        public let json: String
    }

    /// What is to be said of what arrived.
    public struct Judgement: Sendable {
        /// Acknowledged ids that did not arrive.
        public var missing: Set<String> = []
        /// Ids that arrived and were never sent.
        public var foreign: Set<String> = []
        /// Ids whose event arrived with other data than it was sent with.
        public var changed: Set<String> = []
        /// Arrivals beyond the first of their id.
        public var duplicateCount = 0
        /// Events of one producer whose first arrival came before that of an earlier one.
        public var inversionCount = 0
        /// Distinct ids that arrived.
        public var arrivedCount = 0
    }

    private struct State {
        var nextNumber: [Int: Int] = [:]
        var acknowledged: Set<String> = []
    }

    /// What decides over all payloads.
    public let seed: UInt64
    private let state = Mutex(State())

    /// An oracle of that seed.
    public init(seed: UInt64) {
        self.seed = seed
    }

    /// How many events were acknowledged.
    public var acknowledgedCount: Int { state.withLock { $0.acknowledged.count } }

    /// How many events were given out to be sent.
    public var sentCount: Int { state.withLock { $0.nextNumber.values.reduce(0, +) } }

    /// The producer's next events.
    public func next(producer: Int, count: Int) -> Request {
        let first = state.withLock { state in
            let first = state.nextNumber[producer, default: 0]
            state.nextNumber[producer] = first + count
            return first
        }
        let ids = (first..<first + count).map { "\(producer)-\($0)" }
        let events = ids.map { #"{"name":"crash test","id":"\#($0)","data":\#(data(of: $0))}"# }
        return Request(ids: ids, json: count == 1 ? events[0] : "[\(events.joined(separator: ","))]")
    }

    /// Notes that the sender was told that these events are safe.
    public func acknowledge(_ request: Request) {
        state.withLock { $0.acknowledged.formUnion(request.ids) }
    }

    /// Judges what arrived, in the order of arrival: events as they were accepted.
    public func judge(_ events: [JSONValue]) -> Judgement {
        let (acknowledged, sent) = state.withLock { ($0.acknowledged, $0.nextNumber) }
        var judgement = Judgement()
        var arrived: Set<String> = []
        var latest: [Int: Int] = [:]
        for event in events {
            let id = event["id"].string ?? ""
            guard let (producer, number) = Self.parts(of: id), number < sent[producer, default: 0] else {
                judgement.foreign.insert(id)
                continue
            }
            if event["data"].jsonText != Array(data(of: id).utf8) { judgement.changed.insert(id) }
            guard arrived.insert(id).inserted else {
                judgement.duplicateCount += 1
                continue
            }
            if let last = latest[producer], last > number { judgement.inversionCount += 1 }
            latest[producer] = max(latest[producer] ?? 0, number)
        }
        judgement.missing = acknowledged.subtracting(arrived)
        judgement.arrivedCount = arrived.count
        return judgement
    }

    private static func parts(of id: String) -> (producer: Int, number: Int)? {
        let parts = id.split(separator: "-")
        guard parts.count == 2, let producer = Int(parts[0]), let number = Int(parts[1]) else { return nil }
        return (producer, number)
    }

    /// An event's data, as JSON text: some hundred bytes, sometimes some thousand.
    private func data(of id: String) -> String {
        var state = seed
        for byte in id.utf8 { state = (state ^ UInt64(byte)) &* 0x100_0000_01B3 }
        let length = state % 16 == 0 ? Int((state >> 8) % 8000) : Int(state >> 8) & 0xFF
        let letter = Character(UnicodeScalar(UInt8(97 + state % 26)))
        return #"{"of":"\#(id)","filling":"\#(String(repeating: letter, count: length))"}"#
    }
}
