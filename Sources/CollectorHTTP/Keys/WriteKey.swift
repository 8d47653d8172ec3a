import Crypto
public import EventJSON

/// A secret that lets who has it send events to a source, as `Authorization: Bearer <key>`.
///
/// Only its digest is kept, so that it shows in no log and no core of the configuration.
public struct WriteKey: Sendable {
    /// What logs call the key.
    public let id: String
    /// Events per second that its bearers may send together; nil does not limit them.
    public let eventsPerSecond: Int?
    /// Members of the events' `source`, whatever the sender writes there.
    public let tags: JSONObject
    let digest: [UInt8]

    /// The fewest characters of a key: what is shorter can be guessed.
    public static let minimumLength = 16

    /// Members of `source` that are not a key's to choose.
    static let reservedTags = ["count", "release", "trace"]

    /// A key.
    public init(id: String, key: String, eventsPerSecond: Int? = nil, tags: JSONObject = [:]) {
        self.id = id
        self.eventsPerSecond = eventsPerSecond
        self.tags = tags
        digest = Self.digest(of: key)
    }

    /// Texts of any length become 32 bytes, so that comparing takes the same time for all.
    static func digest(of text: String) -> [UInt8] {
        Array(SHA256.hash(data: Array(text.utf8)))
    }
}
