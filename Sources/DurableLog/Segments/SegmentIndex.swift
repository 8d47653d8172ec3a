import Synchronization

/// Where to begin reading in segments: entries since the last checkpoint in memory, older ones in the metadata.
final class SegmentIndex: Sendable {
    private let recent = Mutex<[SegmentKey: [MetadataChanges.IndexEntry]]>([:])
    private let metadata: any MetadataStore

    init(_ metadata: any MetadataStore) { self.metadata = metadata }

    func add(_ entries: [MetadataChanges.IndexEntry]) {
        recent.withLock { recent in
            for entry in entries { recent[entry.segment, default: []].append(entry) }
        }
    }

    /// All entries the metadata does not have yet.
    func unnoted() -> [MetadataChanges.IndexEntry] { recent.withLock { recent in recent.values.flatMap(\.self) } }

    /// The metadata has them now.
    func forget() { recent.withLock { $0 = [:] } }

    func offset(_ segment: SegmentKey, atOrBefore position: UInt64) -> UInt64? {
        let known = recent.withLock { recent in
            recent[segment]?.last { $0.position <= position }?.offset
        }
        return known ?? metadata.indexedOffset(segment, atOrBefore: position)
    }
}
