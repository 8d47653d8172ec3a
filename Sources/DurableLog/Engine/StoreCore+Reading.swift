import DequeModule

/// What a read needs, found under the lock and carried out without it.
struct ReadPlan: Sendable {
    enum Piece: Sendable {
        case memory(HotFrame)
        case segment(SegmentRecord)
    }

    var from: UInt64
    var maximumByteCount: Int
    /// In the order of positions, each with the position at which it is left.
    var pieces: [(piece: Piece, upper: UInt64)] = []
    /// Where the pieces end.
    var end: UInt64
    var tail: UInt64
    var isClosed: Bool

    var isInMemory: Bool {
        pieces.allSatisfy {
            if case .memory = $0.piece { true } else { false }
        }
    }
}

extension StoreCore {
    mutating func planRead(_ name: String, from offset: StreamOffset, maximumByteCount: Int, _ time: StoreTime)
        -> Result<ReadPlan, StreamStoreError>
    {
        if isClosed { return .failure(.storeClosed) }
        let slot: Int
        switch readableSlot(name, time) {
        case .failure(let error): return .failure(error)
        case .success(let found): slot = found
        }
        guard let state = durable.streams[slot] else { return .failure(.absent) }
        noteAccess(slot, time)
        var plan = ReadPlan(
            from: offset.position,
            maximumByteCount: maximumByteCount,
            end: state.tail,
            tail: state.tail,
            isClosed: state.isClosed
        )
        guard offset.readSequence == 0, offset.position < state.tail else { return .success(plan) }
        let earliest = durable.earliest(of: slot)
        guard offset.position >= earliest else { return .failure(.gone(earliest: StreamOffset(position: earliest))) }

        // From the stream up to the ancestor that holds the offset, then down again.
        var owners: [(slot: Int, upper: UInt64)] = [(slot, state.tail)]
        while let last = owners.last, let definition = durable.streams[last.slot]?.definition,
            offset.position < definition.base, let parent = definition.parent, let above = durable.slots[parent]
        {
            owners.append((above, min(last.upper, definition.base)))
        }
        var room = maximumByteCount
        for owner in owners.reversed() {
            guard room >= 0 else { break }
            addPieces(of: owner.slot, upper: owner.upper, to: &plan, room: &room)
        }
        if room < 0, let last = plan.pieces.last { plan.end = min(plan.end, last.upper) }
        return .success(plan)
    }

    /// Adds what a stream itself holds, until there is enough for a page.
    private func addPieces(of slot: Int, upper: UInt64, to plan: inout ReadPlan, room: inout Int) {
        guard let runtime = runtimes[slot], let base = durable.streams[slot]?.definition.base else { return }
        let from = max(plan.from, base)
        guard from < upper else { return }
        let hotStart = runtime.hotStart ?? upper
        if from < hotStart {
            var index = Self.partition(runtime.segments.count) { runtime.segments[$0].end > from }
            while index < runtime.segments.count, room >= 0 {
                let segment = runtime.segments[index]
                guard segment.base < min(upper, hotStart) else { break }
                let end = min(segment.end, upper, hotStart)
                plan.pieces.append((.segment(segment), end))
                room -= Int(end - max(segment.base, from))
                index += 1
            }
        }
        var index = Self.partition(runtime.hot.count) { runtime.hot[$0].end > from }
        while index < runtime.hot.count, room >= 0 {
            let frame = runtime.hot[index]
            guard frame.start < upper else { break }
            let end = min(frame.end, upper)
            plan.pieces.append((.memory(frame), end))
            room -= Int(end - max(frame.start, from))
            index += 1
        }
    }

    /// The first index for which a condition holds that holds for all behind it.
    private static func partition(_ count: Int, _ holds: (Int) -> Bool) -> Int {
        var low = 0
        var high = count
        while low < high {
            let middle = (low + high) / 2
            if holds(middle) { high = middle } else { low = middle + 1 }
        }
        return low
    }

    func status(of name: String, _ time: StoreTime) -> Result<StreamStatus, StreamStoreError> {
        switch readableSlot(name, time) {
        case .failure(let error): return .failure(error)
        case .success(let slot):
            guard let state = durable.streams[slot] else { return .failure(.absent) }
            let definition = state.definition
            let kept = state.kept
            return .success(
                StreamStatus(
                    name: definition.name,
                    contentType: definition.contentType,
                    isMessageList: definition.isMessageList,
                    expiry: definition.expiry,
                    retention: state.retention,
                    earliest: StreamOffset(position: durable.earliest(of: slot)),
                    tail: state.tailOffset,
                    isClosed: state.isClosed,
                    byteCount: kept.byteCount,
                    messageCount: kept.messageCount,
                    createdMilliseconds: definition.createdMilliseconds,
                    lastAppendMilliseconds: state.lastAppendMilliseconds,
                    identifier: definition.id,
                    forkCount: Int(state.references),
                    cursors: state.cursors.mapValues { StreamOffset(position: $0) }
                )
            )
        }
    }
}
