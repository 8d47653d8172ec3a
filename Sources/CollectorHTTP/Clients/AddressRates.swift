import InternetAddresses
import Synchronization

/// How much each client may still send, by its address, or the /64 network that one subscriber of IPv6 has.
///
/// Memory is bounded: of many clients, those that were seen last are remembered.
final class AddressRates: Sendable {
    private struct State {
        /// Clients seen since these were exchanged last, and those before.
        var young: [[UInt8]: RateLimit] = [:]
        var old: [[UInt8]: RateLimit] = [:]
    }

    /// Clients of one generation; twice as many may be remembered.
    private let generationCount: Int
    private let eventsPerSecond: Int
    private let burstCount: Int
    private let state = Mutex(State())

    init(eventsPerSecond: Int, burstCount: Int, generationCount: Int = 50_000) {
        self.eventsPerSecond = eventsPerSecond
        self.burstCount = max(eventsPerSecond, burstCount)
        self.generationCount = generationCount
    }

    /// Clients that are remembered.
    var count: Int { state.withLock { $0.young.count + $0.old.count } }

    /// Takes room for that many events; the seconds to wait if there is not enough, and nothing is taken then.
    ///
    /// Clients without an address share one.
    func take(_ count: Int, from address: IPAddress?, nowMilliseconds: Int) -> Int? {
        let key = address.map { $0.isVersion6 ? Array($0.bytes.prefix(8)) : $0.bytes } ?? []
        return state.withLock { state in
            if state.young[key] == nil {
                if state.young.count >= generationCount {
                    state.old = state.young
                    state.young = [:]
                }
                state.young[key] =
                    state.old.removeValue(forKey: key)
                    ?? RateLimit(perSecond: eventsPerSecond, burstCount: burstCount)
            }
            return state.young[key]?.take(count, nowMilliseconds: nowMilliseconds)
        }
    }
}
