import Crypto
public import EventJSON

/// A secret that lets who has it send events to a source, as `Authorization: Bearer <key>`; or, if it is a signing
/// secret, as a signature of the body.
///
/// Of a bearer's key only the digest is kept, so that it shows in no log and no core of the configuration.
public struct WriteKey: Sendable {
    /// How a sender proves that it has the key.
    enum Proof: Sendable {
        /// It sends it; this is its digest.
        case bearer(SHA256Digest)
        /// It signs its bodies with it.
        case signature(SymmetricKey)
    }

    /// What logs call the key.
    public let id: String
    /// Events per second that its bearers may send together; nil does not limit them.
    public let eventsPerSecond: Int?
    /// Members of the events' `source`, whatever the sender writes there.
    public let tags: JSONObject
    let proof: Proof

    /// The fewest characters of a key: what is shorter can be guessed.
    public static let minimumLength = 16

    /// Members of `source` that are not a key's to choose.
    static let reservedTags = ["count", "release", "trace"]

    /// A key that its bearers send.
    public init(id: String, key: String, eventsPerSecond: Int? = nil, tags: JSONObject = [:]) {
        self.init(id: id, proof: .bearer(Self.digest(of: key)), eventsPerSecond, tags)
    }

    /// A secret that signs bodies: `X-Collectord-Signature: t=<seconds since 1970>,v1=<HMAC-SHA-256>`, in hexadecimal, of
    /// the seconds, a dot and the body. A signature is good for five minutes.
    public init(id: String, signingSecret: String, eventsPerSecond: Int? = nil, tags: JSONObject = [:]) {
        self.init(
            id: id,
            proof: .signature(SymmetricKey(data: Array(signingSecret.utf8))),
            eventsPerSecond,
            tags
        )
    }

    private init(id: String, proof: Proof, _ eventsPerSecond: Int?, _ tags: JSONObject) {
        self.id = id
        self.proof = proof
        self.eventsPerSecond = eventsPerSecond
        self.tags = tags
    }

    /// Texts of any length become 32 bytes, and digests are compared in the same time wherever they differ.
    static func digest(of text: String) -> SHA256Digest {
        SHA256.hash(data: Array(text.utf8))
    }
}
