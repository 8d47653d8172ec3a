/// The state of all streams: what comes of applying the frames of the log in their order, and of nothing else.
///
/// The same function works live and at recovery. There is one such state with all that was accepted, by which requests
/// are judged, and one with all that is durable, which readers see; after a refused write the first becomes a copy of
/// the second.
struct StoreState: Sendable {
    /// By slot; slots of streams that are gone are used again, in the same order wherever the same frames are applied.
    private(set) var streams: ContiguousArray<StreamState?> = []
    private(set) var slots: [UInt64: Int] = [:]
    private(set) var names: [String: Int] = [:]
    private var freeSlots: [Int] = []
    private(set) var nextStream: UInt64 = 1

    /// What an operation did beyond its stream's state.
    enum Consequence: Equatable {
        case none
        case created(slot: Int)
        /// The stream is deleted, but kept; readers must hear of it.
        case hidden(slot: Int)
        /// Streams that are gone, with the slots they had.
        case removed([Removal])
    }

    struct Removal: Equatable {
        let slot: Int
        let stream: UInt64
    }

    func slot(named name: String) -> Int? { names[name] }

    func state(of stream: UInt64) -> StreamState? { slots[stream].flatMap { streams[$0] } }

    var count: Int { slots.count }

    /// The first position that can be read, what is inherited included.
    func earliest(of slot: Int) -> UInt64 {
        var earliest: UInt64 = 0
        var limit = UInt64.max
        var next: Int? = slot
        // What an ancestor released counts up to where the fork left it.
        while let current = next, let definition = streams[current]?.definition, let own = streams[current]?.earliest {
            earliest = max(earliest, min(own, limit))
            limit = min(limit, definition.base)
            guard own < definition.base, let parent = definition.parent else { break }
            next = slots[parent]
        }
        return earliest
    }

    /// The common case, without a look at anything else.
    mutating func apply(_ append: AppendOperation, slot: Int) { streams[slot]?.apply(append) }

    /// Changes the state as a frame says. What speaks of a stream that is not there changes nothing.
    mutating func apply(_ operation: StoreOperation) -> Consequence {
        if case .create(let create) = operation { return .created(slot: insert(StreamState(create))) }
        guard let slot = slots[operation.stream] else { return .none }
        switch operation {
        case .append(let append): streams[slot]?.apply(append)
        case .touch(_, let milliseconds):
            if let before = streams[slot]?.lastAccessMilliseconds, before < milliseconds {
                streams[slot]?.lastAccessMilliseconds = milliseconds
            }
        case .trim(_, let position, let messageCount):
            if let before = streams[slot], before.earliest < position, position <= before.tail {
                streams[slot]?.earliest = position
                streams[slot]?.releasedMessageCount = max(before.releasedMessageCount, messageCount)
            }
        case .cursor(_, let name, let position): streams[slot]?.cursors[name] = position
        case .retention(_, let policy): streams[slot]?.retention = policy
        case .delete: return delete(slot)
        case .create: break
        }
        return .none
    }

    /// Puts a stream in its place; at recovery, with the state that was noted.
    mutating func insert(_ state: StreamState) -> Int {
        let slot = freeSlots.popLast() ?? streams.count
        if slot == streams.count { streams.append(state) } else { streams[slot] = state }
        let definition = state.definition
        slots[definition.id] = slot
        names[definition.name] = slot
        nextStream = max(nextStream, definition.id + 1)
        if let parent = definition.parent, let parentSlot = slots[parent] { streams[parentSlot]?.references += 1 }
        return slot
    }

    /// Counts references anew, after streams were inserted in any order.
    mutating func recountReferences() {
        for slot in streams.indices { streams[slot]?.references = 0 }
        for case let state? in streams {
            if let parent = state.definition.parent, let slot = slots[parent] { streams[slot]?.references += 1 }
        }
    }

    /// Numbers up to this one were used.
    mutating func reserve(streamsBelow next: UInt64) { nextStream = max(nextStream, next) }

    private mutating func delete(_ slot: Int) -> Consequence {
        guard let state = streams[slot] else { return .none }
        if state.references > 0 {
            streams[slot]?.isDeleted = true
            return .hidden(slot: slot)
        }
        var removals: [Removal] = []
        var next: Int? = slot
        while let current = next, let gone = streams[current] {
            next = nil
            streams[current] = nil
            freeSlots.append(current)
            slots[gone.definition.id] = nil
            if names[gone.definition.name] == current { names[gone.definition.name] = nil }
            removals.append(Removal(slot: current, stream: gone.definition.id))
            if let parent = gone.definition.parent, let parentSlot = slots[parent], let above = streams[parentSlot] {
                streams[parentSlot]?.references = above.references - min(above.references, 1)
                if above.isDeleted, above.references <= 1 { next = parentSlot }
            }
        }
        return .removed(removals)
    }
}
