import Crypto

/// A secret that lets who has it send events to a source, as `Authorization: Bearer <key>`.
///
/// Only its digest is kept, so that it shows in no log and no core of the configuration.
public struct WriteKey: Sendable {
    /// What logs call the key.
    public let id: String
    /// Events per second that its bearers may send together; nil does not limit them.
    public let eventsPerSecond: Int?
    let digest: [UInt8]

    /// The fewest characters of a key: what is shorter can be guessed.
    public static let minimumLength = 16

    /// A key.
    public init(id: String, key: String, eventsPerSecond: Int? = nil) {
        self.id = id
        self.eventsPerSecond = eventsPerSecond
        digest = Self.digest(of: key)
    }

    /// Texts of any length become 32 bytes, so that comparing takes the same time for all.
    static func digest(of text: String) -> [UInt8] {
        Array(SHA256.hash(data: Array(text.utf8)))
    }
}
