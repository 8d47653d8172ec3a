import EventJSON
import NIOHTTP1
import Synchronization

/// The keys of a source, and how much their bearers may still send.
///
/// ```swift
/// source.writeKeys = WriteKeys([WriteKey(id: "web", key: secret), WriteKey(id: "old", key: formerSecret)])
/// ```
///
/// Several keys are valid at a time, so that one can take another's place without a gap.
public final class WriteKeys: Sendable {
    /// Whether a request may send events.
    enum Admission: Equatable {
        /// Yes, with the key at that place.
        case admitted(Int)
        /// It brings no key.
        case missing
        /// It brings one that is not among these.
        case unknown
    }

    private let keys: [WriteKey]
    private let limits: Mutex<[RateLimit?]>

    /// Keys with these; a burst may be as large as `burstCount` or a second's events, whichever is more.
    public init(_ keys: [WriteKey], burstCount: Int = 100) {
        self.keys = keys
        limits = Mutex(
            keys.map { key in
                key.eventsPerSecond.map { RateLimit(perSecond: $0, burstCount: max($0, burstCount)) }
            }
        )
    }

    /// Looks for the key that a request brings.
    func admission(of head: HTTPRequestHead) -> Admission {
        guard let field = head.headers.first(name: "Authorization"), let token = Self.bearerToken(field) else {
            return .missing
        }
        let digest = WriteKey.digest(of: String(token))
        var found: Int?
        // All are compared in full, so that the time tells nothing.
        for (place, key) in keys.enumerated() where Self.isEqual(digest, key.digest) { found = place }
        return found.map(Admission.admitted) ?? .unknown
    }

    /// Members of the events' `source` that the key at that place gives.
    func tags(of place: Int) -> JSONObject { keys[place].tags }

    /// Takes room for that many events; the seconds to wait if there is not enough, and nothing is taken then.
    func take(_ count: Int, with place: Int, nowMilliseconds: Int) -> Int? {
        limits.withLock { $0[place]?.take(count, nowMilliseconds: nowMilliseconds) }
    }

    /// The token of `Bearer <token>`, whose scheme is written in any case (RFC 6750, RFC 9110).
    private static func bearerToken(_ field: String) -> Substring? {
        let words = field.split(separator: " ", omittingEmptySubsequences: true)
        guard words.count == 2, words[0].lowercased() == "bearer" else { return nil }
        return words[1]
    }

    /// Whether two digests are the same, in a time that does not depend on where they differ.
    private static func isEqual(_ left: [UInt8], _ right: [UInt8]) -> Bool {
        var difference = UInt8(left.count == right.count ? 0 : 1)
        for (first, second) in zip(left, right) { difference |= first ^ second }
        return difference == 0
    }
}
