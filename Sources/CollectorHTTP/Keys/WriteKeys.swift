import Crypto
import EventJSON
import NIOCore
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
    /// Why a request may not send events.
    enum Refusal: Error, Equatable {
        /// It brings no key, or no signature where only these are taken.
        case missing
        /// It brings one that is not among these.
        case unknown
        /// Its signature is not written as it should be.
        case malformedSignature
        /// Its signature is too old, or from the future.
        case signatureExpired
        /// Its signature is not that of the body.
        case signatureWrong
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

    /// Looks for the key that a request brings. A signature is yet to be compared with the body.
    func admission(of head: HTTPRequestHead, nowMilliseconds: Int) throws(Refusal) -> IngestRequest.Key {
        if let field = head.headers.first(name: BodySignature.fieldName) {
            guard let signature = BodySignature(field) else { throw .malformedSignature }
            guard signature.isRecent(nowMilliseconds: nowMilliseconds) else { throw .signatureExpired }
            return .signature(signature)
        }
        guard let field = head.headers.first(name: "Authorization"), let token = Self.bearerToken(field) else {
            throw .missing
        }
        let digest = WriteKey.digest(of: String(token))
        var found: Int?
        // All are compared in full, so that the time tells nothing.
        for (place, key) in keys.enumerated() {
            if case .bearer(let own) = key.proof, digest == own { found = place }
        }
        guard let found else { throw .unknown }
        return .bearer(found)
    }

    /// The place of the key that made a signature of that body.
    func place(of signature: BodySignature, on body: ByteBuffer) throws(Refusal) -> Int {
        var found: Int?
        for (place, key) in keys.enumerated() {
            if case .signature(let secret) = key.proof, signature.isMade(of: body, with: secret) { found = place }
        }
        guard let found else { throw .signatureWrong }
        return found
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
}

extension WriteKeys.Refusal {
    /// What the sender is told.
    var message: String {
        switch self {
        case .missing: "a write key is needed: Authorization: Bearer <key>"
        case .unknown: "the write key is not known"
        case .malformedSignature: "the signature is written t=<seconds>,v1=<64 hexadecimal digits>"
        case .signatureExpired: "the signature's time is more than 5 minutes from this machine's"
        case .signatureWrong: "the signature is not that of the body"
        }
    }
}
