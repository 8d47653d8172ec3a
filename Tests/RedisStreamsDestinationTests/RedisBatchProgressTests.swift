import Collector
import EventJSON
import Testing

@testable import RedisStreamsDestination

@Suite("Batch progress")
struct RedisBatchProgressTests {
    private let here = RedisConfiguration.Endpoint.tcp(host: "other", port: 7)
    private let id = RedisEntryID(milliseconds: 5, sequence: 1)
    private static let smaller =
        "ERR The ID specified in XADD is equal or smaller than the target stream top item"

    private func make(_ count: Int = 1, cluster: Bool = false, single: Bool = false) -> RedisBatchProgress {
        RedisBatchProgress(count: count, isCluster: cluster, isSingleWriter: single)
    }

    private func tasks(_ progress: inout RedisBatchProgress) -> [RedisBatchProgress.Task: [Int]] {
        Dictionary(uniqueKeysWithValues: progress.takeNext().map { ($0.task, $0.indices) })
    }

    @Test("written events are delivered; the result is there when all are settled")
    func written() {
        var progress = make(2)
        _ = progress.received(.written("1-0"), at: 0, askedHost: "h")
        #expect(progress.result == nil)
        _ = progress.received(.error("WRONGTYPE no"), at: 1, askedHost: "h")
        #expect(progress.result == [.delivered(response: "1-0"), .rejected(reason: "WRONGTYPE no")])
        #expect(progress.failures.map(\.index) == [1])
        #expect(progress.takeNext().isEmpty)
    }

    @Test("MOVED goes to the named node and tells; ASK goes there after ASKING and tells nobody")
    func redirections() {
        var progress = make(3, cluster: true)
        #expect(progress.received(.error("MOVED 1 other:7"), at: 0, askedHost: "h")?.endpoint == here)
        #expect(progress.received(.error("ASK 1 other:7"), at: 1, askedHost: "h") == nil)
        #expect(progress.received(.error("MOVED 1 other:7"), at: 2, askedHost: "h") != nil)
        #expect(tasks(&progress) == [.write(.node(here)): [0, 2], .write(.asking(here)): [1]])
        #expect(progress.takeNext().isEmpty)
    }

    @Test("redirections without end are a retry after five")
    func endlessRedirections() {
        var progress = make(1, cluster: true)
        for _ in 0..<5 {
            _ = progress.received(.error("MOVED 1 other:7"), at: 0, askedHost: "h")
            #expect(progress.result == nil)
        }
        #expect(progress.received(.error("MOVED 1 other:7"), at: 0, askedHost: "h") == nil)
        #expect(progress.result == [.retry(reason: "MOVED 1 other:7")])
    }

    @Test("what a closed node did not answer goes to the owner, in a cluster only")
    func lost() {
        let closed = RedisError(.closed, "closed")
        var cluster = make(1, cluster: true)
        _ = cluster.received(.lost(closed), at: 0, askedHost: "h")
        #expect(tasks(&cluster) == [.write(.owner): [0]])

        var alone = make(1)
        _ = alone.received(.lost(closed), at: 0, askedHost: "h")
        #expect(alone.result == [.retry(reason: "closed")])

        var late = make(1, cluster: true)
        _ = late.received(.lost(RedisError(.timedOut, "late")), at: 0, askedHost: "h")
        #expect(late.result == [.retry(reason: "late")])
    }

    @Test("a refused id is looked up: held it is delivered, not held it gets another")
    func lookedUp() {
        var held = make(1, single: true)
        held.gave(id, to: 0)
        _ = held.received(.error(Self.smaller), at: 0, askedHost: "h")
        #expect(tasks(&held) == [.look: [0]])
        held.looked(isHeld: true, at: 0)
        #expect(held.result == [.delivered(response: "5-1")])

        var missing = make(1, single: true)
        missing.gave(id, to: 0)
        _ = missing.received(.error(Self.smaller), at: 0, askedHost: "h")
        _ = missing.takeNext()
        missing.looked(isHeld: false, at: 0)
        #expect(missing.ids == [nil])
        #expect(tasks(&missing) == [.write(.owner): [0]])

        var many = make(1)
        _ = many.received(.error(Self.smaller), at: 0, askedHost: "h")
        #expect(many.result == [.rejected(reason: Self.smaller)])
    }

    @Test("an event that comes again keeps its id, also when it was refused: it may have been written before that")
    func doubts() {
        func doubts(_ act: (inout RedisBatchProgress) -> Void) -> [RedisEntryID] {
            var progress = make(1, single: true)
            progress.gave(id, to: 0)
            act(&progress)
            return progress.doubts.map(\.id)
        }
        #expect(doubts { _ = $0.received(.lost(RedisError(.timedOut, "late")), at: 0, askedHost: "h") } == [id])
        #expect(doubts { $0.unconfirmed("0 of 1", at: 0) } == [id])
        #expect(doubts { $0.lookFailed("away", at: 0) } == [id])
        #expect(doubts { _ = $0.received(.error("OOM"), at: 0, askedHost: "h") } == [id])
        #expect(doubts { _ = $0.received(.written("5-1"), at: 0, askedHost: "h") } == [])
        #expect(doubts { $0.refused(.retry(reason: "full"), "full", at: 0) } == [id])
        #expect(doubts { _ = $0.received(.error("WRONGTYPE"), at: 0, askedHost: "h") } == [])
        #expect(doubts { $0.looked(isHeld: false, at: 0) } == [])
    }

    @Test("a refused id that cannot be settled is a retry, never a rejection")
    func endlessLooks() {
        var progress = make(1, single: true)
        for _ in 0..<5 {
            progress.gave(id, to: 0)
            _ = progress.received(.error(Self.smaller), at: 0, askedHost: "h")
            progress.looked(isHeld: false, at: 0)
        }
        progress.gave(id, to: 0)
        _ = progress.received(.error(Self.smaller), at: 0, askedHost: "h")
        #expect(progress.result == [.retry(reason: Self.smaller)])
    }
}

@Suite("Entry ids of a single writer")
struct RedisEntryIDTests {
    @Test("texts")
    func texts() {
        #expect(RedisEntryID("5-1")?.description == "5-1")
        #expect(RedisEntryID("18446744073709551615-18446744073709551615") != nil)
        for bad in ["", "5", "5-", "-1", "5-1-1", "a-b", "5-18446744073709551616"] { #expect(RedisEntryID(bad) == nil) }
    }

    @Test("ids grow with the clock, and without it")
    func grow() {
        let id = RedisEntryID(milliseconds: 5, sequence: 1)
        #expect(id.next(nowMilliseconds: 6).description == "6-0")
        #expect(id.next(nowMilliseconds: 5).description == "5-2")
        #expect(id.next(nowMilliseconds: 0).description == "5-2")
        #expect(RedisEntryID(milliseconds: 5, sequence: .max).next(nowMilliseconds: 0).description == "6-0")
        let ids = RedisEntryIDs { 5 }
        #expect((0..<3).map { _ in ids.next(in: "a").description } == ["5-0", "5-1", "5-2"])
        #expect(ids.next(in: "b").description == "5-0")
        ids.raise("a", to: RedisEntryID(milliseconds: 9, sequence: 9))
        ids.raise("a", to: id)
        #expect(ids.next(in: "a").description == "9-10")
    }

    @Test("a doubt is for its event and its stream, once; equal events have one each")
    func doubts() {
        let ids = RedisEntryIDs { 5 }
        let first = ids.choose(forEvent: [1], in: "a")
        let second = ids.choose(forEvent: [1], in: "a")
        ids.doubt(first, ofEvent: [1], in: "a")
        ids.doubt(second, ofEvent: [1], in: "a")
        #expect(ids.choose(forEvent: [2], in: "a") > second)
        #expect(ids.choose(forEvent: [1], in: "b").description == "5-0")
        #expect(ids.choose(forEvent: [1], in: "a") == first)
        #expect(ids.choose(forEvent: [1], in: "a") == second)
        #expect(ids.choose(forEvent: [1], in: "a") > second)
        #expect(ids.doubtCount == 0)
    }

    @Test("the oldest doubts are forgotten when there are too many")
    func limit() {
        let ids = RedisEntryIDs { 5 }
        let count = RedisEntryIDs.maximumDoubtCount + 10
        for number in 0..<count {
            let event = withUnsafeBytes(of: number) { Array($0) }
            ids.doubt(ids.choose(forEvent: event, in: "a"), ofEvent: event, in: "a")
        }
        #expect(ids.doubtCount == RedisEntryIDs.maximumDoubtCount)
    }
}
