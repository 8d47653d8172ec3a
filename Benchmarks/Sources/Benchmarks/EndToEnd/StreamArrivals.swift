import CollectorTesting
import Glibc

/// Counts what arrives in a Redis stream, so that no figure is believed whose events were lost.
struct StreamArrivals {
    private let stream: String
    private let probe: RESPProbe
    private let begin: Int

    /// Begins to count.
    init(stream: String, probe: RESPProbe) throws {
        self.stream = stream
        self.probe = probe
        begin = try Self.entriesAdded(to: stream, probe)
    }

    /// Waits until no more events arrive; how many percent of those that were acknowledged are in Redis.
    ///
    /// There may be more: a client does not wait for the answers to its last requests, but the count stops at 100.
    func percent(ofAcknowledged count: Int) throws -> Double {
        var arrived = -1
        var lastChange = ContinuousClock.now
        while true {
            let now = try Self.entriesAdded(to: stream, probe) - begin
            if now != arrived {
                arrived = now
                lastChange = ContinuousClock.now
            }
            // All there: nothing of this run may be counted in the next one. Some missing: they may be under way.
            let patience: Duration = arrived >= count ? .milliseconds(20) : .seconds(3)
            if ContinuousClock.now - lastChange >= patience { return Double(min(arrived, count)) / Double(count) * 100 }
            usleep(10_000)
        }
    }

    /// How many entries a stream was ever given.
    private static func entriesAdded(to stream: String, _ probe: RESPProbe) throws -> Int {
        let reply = try probe.command("XINFO", "STREAM", stream).elements
        guard let place = reply.firstIndex(where: { $0.text == "entries-added" }), place + 1 < reply.count,
            case .integer(let count) = reply[place + 1]
        else { return 0 }
        return count
    }
}
