import Logging
import Synchronization

@testable import DurableLog

/// The metadata on a simulated disk: a commit is there as a whole, or not.
final class SimulatedMetadata: MetadataStore {
    struct Content {
        var mark: CheckpointMark?
        var streams: [UInt64: StreamState] = [:]
        var segments: [SegmentKey: SegmentRecord] = [:]
        var index: [SegmentKey: [UInt64: UInt64]] = [:]
        var keyRuns: [UInt64] = []
    }

    /// What survives the store that uses it.
    final class Disk: Sendable {
        let content = Mutex(Content())
    }

    private let disk: Disk
    private let simulated: SimulatedDisk
    private let generation: Int

    init(_ disk: Disk, on simulated: SimulatedDisk) {
        self.disk = disk
        self.simulated = simulated
        generation = simulated.state.withLock { $0.generation }
    }

    func load() throws(MetadataFailure) -> LoadedMetadata? {
        disk.content.withLock { content in
            guard let mark = content.mark else { return nil }
            return LoadedMetadata(
                mark: mark,
                streams: Array(content.streams.values),
                segments: Array(content.segments.values),
                keyRuns: content.keyRuns
            )
        }
    }

    func commit(_ changes: MetadataChanges) throws(MetadataFailure) {
        var failure: MetadataFailure?
        let isOn = simulated.state.withLock { state in
            let isOn = !state.isDead && generation == state.generation
            do { try simulated.step(&state, generation, "metadata") } catch {
                failure = MetadataFailure(description: "no power")
            }
            return isOn
        }
        // When the power goes during a commit, it may be there all the same; every other one is.
        if isOn, failure == nil || changes.mark.position % 16 == 0 {
            disk.content.withLock { Self.apply(changes, to: &$0) }
        }
        if let failure { throw failure }
    }

    private static func apply(_ changes: MetadataChanges, to content: inout Content) {
        for stream in changes.removedStreams {
            content.streams[stream] = nil
            content.segments = content.segments.filter { $0.key.stream != stream }
            content.index = content.index.filter { $0.key.stream != stream }
        }
        for state in changes.streams { content.streams[state.definition.id] = state }
        for key in changes.removedSegments {
            content.segments[key] = nil
            content.index[key] = nil
        }
        for segment in changes.segments { content.segments[segment.key] = segment }
        for entry in changes.index { content.index[entry.segment, default: [:]][entry.position] = entry.offset }
        content.keyRuns = changes.keyRuns
        content.mark = changes.mark
    }

    func indexedOffset(_ segment: SegmentKey, atOrBefore position: UInt64) -> UInt64? {
        disk.content.withLock { content in
            content.index[segment]?.filter { $0.key <= position }.max { $0.key < $1.key }?.value
        }
    }

    func close() {}
}

/// A store on a simulated disk, opened again and again.
struct SimulatedMachine {
    let disk = SimulatedDisk()
    let metadata = SimulatedMetadata.Disk()

    func open(limits: StoreLimits = StoreLimits().inSmallFiles) throws(StoreOpenError) -> DurableStreamStore {
        let (disk, metadata) = (disk, metadata)
        return try DurableStreamStore(
            directory: "/store",
            limits: limits,
            clock: .system,
            logger: Logger(label: "simulated") { _ in SwiftLogNoOpLogHandler() },
            files: disk
        ) { _ in SimulatedMetadata(metadata, on: disk) }
    }
}
