import EventJSON
import Synchronization

/// What the commands for the streams of a destination begin with, so that it is written once for each stream and not
/// for each batch.
///
/// Events may name many streams; of these the first are kept.
final class RedisCommandHeads: Sendable {
    private struct Key: Hashable {
        let streamKey: ExactString
        let argumentCount: Int
    }

    /// Streams, each with the numbers of arguments that its commands have.
    private static let maximumCount = 256

    private let heads = Mutex<[Key: RedisCommandHead]>([:])

    /// The head for that stream, made at its first use.
    func head(
        streamKey: String,
        argumentCount: Int,
        make: () -> RedisCommandHead
    ) -> RedisCommandHead {
        let key = Key(streamKey: ExactString(streamKey), argumentCount: argumentCount)
        if let known = heads.withLock({ $0[key] }) { return known }
        let made = make()
        heads.withLock { if $0.count < Self.maximumCount { $0[key] = made } }
        return made
    }
}
