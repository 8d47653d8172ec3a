import Collector
import EventJSON

/// How far a batch is whose events may go to several nodes, be redirected, or have to be looked up: a plain value.
///
/// Replies go in, what to send next comes out. ``RedisBatchRun`` sends.
struct RedisBatchProgress {
    /// How often one event is sent on to another node, or sent again under a new id, before it is the lane's turn.
    static let maximumHops = 5

    /// Where events are sent next.
    enum Target: Hashable {
        /// To the node that has the stream's key, as far as is known.
        case owner
        /// To the node that a redirection named.
        case node(RedisConfiguration.Endpoint)
        /// The same, which serves the key only after `ASKING`.
        case asking(RedisConfiguration.Endpoint)
    }

    /// What to do for events.
    enum Task: Hashable {
        /// Write them.
        case write(Target)
        /// Look whether the stream holds them already, under the id they were given.
        case look
    }

    /// What became of one event's command.
    enum Answer: Equatable {
        /// It is written, under this id.
        case written(String)
        /// The command has no reply: whether it was executed is unknown.
        case lost(RedisError)
        /// Redis refused it with this error.
        case error(String)
        /// The reply is nothing that XADD answers.
        case nonsense
    }

    private let isCluster: Bool
    private let isSingleWriter: Bool
    private var outcomes: [DeliveryOutcome?]
    private var hops: [Int]
    /// The ids under which a single writer's events were sent.
    private(set) var ids: [RedisEntryID?]
    private var openCount: Int
    /// What failed, for the log.
    private(set) var failures: [(index: Int, text: String)] = []
    private var next: [Task: [Int]] = [:]

    init(count: Int, isCluster: Bool, isSingleWriter: Bool) {
        self.isCluster = isCluster
        self.isSingleWriter = isSingleWriter
        outcomes = Array(repeating: nil, count: count)
        hops = Array(repeating: 0, count: count)
        ids = Array(repeating: nil, count: count)
        openCount = count
    }

    /// All outcomes, once there are; nil before.
    var result: [DeliveryOutcome]? {
        openCount == 0 ? outcomes.compactMap { $0 } : nil
    }

    /// The events that a single writer must give the same id when they come again.
    ///
    /// Also those that Redis refused: the refused command may have been sent before, and executed, on a connection
    /// that was lost with its reply.
    var doubts: [(index: Int, id: RedisEntryID)] {
        outcomes.indices.compactMap { index in
            guard let id = ids[index] else { return nil }
            if case .retry = outcomes[index] { return (index, id) }
            return nil
        }
    }

    /// Takes what is to be sent next, in the order of the events.
    mutating func takeNext() -> [(task: Task, indices: [Int])] {
        var taken: [Task: [Int]] = [:]
        swap(&taken, &next)
        return taken.map { ($0.key, $0.value) }.sorted { ($0.indices.first ?? 0) < ($1.indices.first ?? 0) }
    }

    /// The event is sent under this id.
    mutating func gave(_ id: RedisEntryID, to index: Int) {
        ids[index] = id
    }

    /// Notes what became of an event's command.
    mutating func received(_ answer: Answer, at index: Int, askedHost: String) -> RedisRedirect? {
        switch answer {
        case .written(let entry):
            settle(index, .delivered(response: .string(entry)))
        case .lost(let error):
            // A node that left the cluster answers no more; another has its streams.
            if isCluster, error.code == .closed, hop(index) {
                next[.write(.owner), default: []].append(index)
            } else {
                let (outcome, text) = RedisDeliveryReport.outcome(of: error)
                settle(index, outcome, text)
            }
        case .error(let text):
            return receivedError(text, at: index, askedHost: askedHost)
        case .nonsense:
            let (outcome, text) = RedisDeliveryReport.outcome(ofRefusal: .null)
            settle(index, outcome, text)
        }
        return nil
    }

    private mutating func receivedError(_ text: String, at index: Int, askedHost: String) -> RedisRedirect? {
        if isCluster, let redirect = RedisRedirect(text, askedHost: askedHost), hop(index) {
            let isAsk = text.hasPrefix("ASK")
            let target: Target = isAsk ? .asking(redirect.endpoint) : .node(redirect.endpoint)
            next[.write(target), default: []].append(index)
            return isAsk ? nil : redirect
        }
        if isSingleWriter, text.contains("equal or smaller"), hop(index) {
            next[.look, default: []].append(index)
            return nil
        }
        if isSingleWriter, text.contains("equal or smaller") {
            settle(index, .retry(reason: text), text)
            return nil
        }
        if isCluster, text.hasPrefix("MOVED") {
            settle(index, .retry(reason: text), text)
            return nil
        }
        let (outcome, reason) = RedisDeliveryReport.outcome(ofRefusal: .error(text))
        settle(index, outcome, reason)
        return nil
    }

    /// The stream holds the event under its id, or does not.
    ///
    /// Held: it was written by a command whose reply was lost. Not held: newer entries came first, so that it needs a
    /// greater id.
    mutating func looked(isHeld: Bool, at index: Int) {
        if isHeld, let id = ids[index] {
            settle(index, .delivered(response: .string(id.description)))
            return
        }
        ids[index] = nil
        next[.write(.owner), default: []].append(index)
    }

    /// Nobody could tell whether the stream holds the event.
    mutating func lookFailed(_ text: String, at index: Int) {
        settle(index, .retry(reason: text), text)
    }

    /// Written, but not by as many replicas as asked for: it counts as not delivered.
    mutating func unconfirmed(_ text: String, at index: Int) {
        settle(index, .retry(reason: text), text)
    }

    /// The event could not even be sent.
    mutating func refused(_ outcome: DeliveryOutcome, _ text: String, at index: Int) {
        settle(index, outcome, text)
    }

    private mutating func hop(_ index: Int) -> Bool {
        guard hops[index] < Self.maximumHops else { return false }
        hops[index] += 1
        return true
    }

    private mutating func settle(_ index: Int, _ outcome: DeliveryOutcome, _ failure: String? = nil) {
        if outcomes[index] == nil { openCount -= 1 }
        outcomes[index] = outcome
        if let failure { failures.append((index, failure)) }
    }
}
