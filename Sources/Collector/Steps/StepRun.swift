import Crypto
import EventJSON

/// One event's way through steps, as a value: what is still to be done, what has come of it.
///
/// `advance` goes on until the way ends, fails, or asks for something that has to be waited for; the answer is handed
/// to `resume`. Nothing of a way counts before all of it has ended.
struct StepRun: Sendable {
    /// An event that has reached the end of the way.
    struct Output: Sendable {
        var event: Event
        var ingest: Ingest?
        /// Keys under which the event is remembered once it was delivered.
        var cacheEntries: [CacheClaim]
    }

    /// A key of a destination's cache, and the store where it is kept.
    struct CacheClaim: Sendable {
        let store: StoreUnit
        let entry: StepCache.Entry
    }

    /// How far the way is.
    enum Progress: Sendable {
        case finished
        case waiting(StepOperation)
        case failed(StepFailure)
    }

    /// An event and what is still to be done with it, the next thing last.
    struct Item: Sendable {
        var event: Event
        var ingest: Ingest?
        var frames: [StepFrame]
        var cacheEntries: [CacheClaim] = []
        /// The transformers that a result named as the next.
        var next: [String]?

        var ingestValue: JSONValue { ingest?.value ?? .missing }
    }

    let plan: StepPlan
    let consent: JSONObject
    /// Claims a cache key; false if it is claimed already.
    let claim: (@Sendable (String) -> Bool)?

    var items: [Item]
    private(set) var outputs: [Output] = []
    /// Keys claimed on the way, whatever became of their events.
    var claimedKeys: [String] = []
    /// Of these, the keys that the store knew.
    var knownKeys: Set<String> = []
    /// Events that went no further on purpose.
    var droppedCount = 0
    /// Events that a cache knew.
    var knownCount = 0
    private var awaiting: StepFrame?
    private var hopCount = 0

    /// Transformers on one way, and events that one may become.
    static let maximumHopCount = 256
    static let maximumEventCount = 1000

    init(
        _ event: Event,
        ingest: Ingest?,
        frames: [StepFrame],
        plan: StepPlan,
        consent: JSONObject,
        claim: (@Sendable (String) -> Bool)? = nil
    ) {
        self.plan = plan
        self.consent = consent
        self.claim = claim
        items = [Item(event: event, ingest: ingest, frames: frames.reversed())]
    }

    /// Goes on as far as possible.
    mutating func advance() -> Progress {
        do throws(StepFailure) {
            while let item = items.last {
                guard let frame = item.frames.last else {
                    items.removeLast()
                    outputs.append(Output(event: item.event, ingest: item.ingest, cacheEntries: item.cacheEntries))
                    guard outputs.count <= Self.maximumEventCount else {
                        throw .impossible("one event became more than \(Self.maximumEventCount)")
                    }
                    continue
                }
                top.frames.removeLast()
                guard let operation = try begin(frame) else { continue }
                guard let answer = try operation.immediateAnswer() else {
                    awaiting = frame
                    return .waiting(operation)
                }
                try apply(answer, to: frame)
            }
            return .finished
        } catch {
            return .failed(error)
        }
    }

    /// Goes on with the answer to what was waited for.
    mutating func resume(_ answer: StepOperation.Answer) -> Progress {
        guard let frame = exchange(&awaiting, with: nil) else { return advance() }
        do throws(StepFailure) {
            try apply(answer, to: frame)
        } catch {
            return .failed(error)
        }
        return advance()
    }

    /// The event at hand. There is one whenever a frame is being worked on.
    var top: Item {
        get { items[items.count - 1] }
        set { items[items.count - 1] = newValue }
    }

    var now: Int { plan.time.nowMilliseconds() }

    /// Counts a transformer on the way; routes that a result names may lead round in a circle.
    mutating func countHop(_ id: String) throws(StepFailure) {
        hopCount += 1
        if hopCount > Self.maximumHopCount { throw .impossible("too many steps at transformer \"\(id)\"") }
    }

    /// Ends the way of the event at hand.
    mutating func drop() {
        items.removeLast()
        droppedCount += 1
    }

    /// Ends the way of the event at hand, which a cache knows.
    mutating func dropKnown() {
        items.removeLast()
        knownCount += 1
    }

    /// Puts several events in the place of the one at hand, in order.
    mutating func divide(_ children: [Item]) throws(StepFailure) {
        guard items.count + children.count <= Self.maximumEventCount else {
            throw .impossible("one event became more than \(Self.maximumEventCount)")
        }
        items.removeLast()
        items += children.reversed()
    }

    /// An id for the child of an event: the same whenever the event goes the way again.
    static func childID(of id: String, index: Int) -> String {
        String(Hexadecimal.text(SHA256.hash(data: Array("\(id)/\(index)".utf8))).prefix(16))
    }
}
