import Synchronization

/// Brings what is durable in the log into segments, and takes checkpoints: segments made durable, then the metadata in
/// one transaction, then the log given free. Used by the maintenance thread alone.
struct Checkpointer {
    let engine: StoreEngine
    let log: CommitLog
    let metadata: any MetadataStore
    let index: SegmentIndex
    let keyRuns: KeyRuns
    let reader: SegmentReader
    var writer: SegmentWriter
    /// Segments that changed since the last checkpoint.
    private var changed: [SegmentKey: SegmentRecord] = [:]
    private(set) var position: UInt64

    init(
        _ engine: StoreEngine,
        _ log: CommitLog,
        _ metadata: any MetadataStore,
        _ index: SegmentIndex,
        _ keyRuns: KeyRuns,
        _ reader: SegmentReader,
        _ writer: SegmentWriter,
        position: UInt64,
        changed: [SegmentRecord]
    ) {
        self.engine = engine
        self.log = log
        self.metadata = metadata
        self.index = index
        self.keyRuns = keyRuns
        self.reader = reader
        self.writer = writer
        self.position = position
        for record in changed { self.changed[record.key] = record }
    }

    /// What is taken under the lock, so that all of it is as of one position.
    private struct Capture {
        var groups: [FrameGroup]
        var mark: CheckpointMark
        var slots: [Int] = []
        var states: [StreamState] = []
        var removedStreams: [UInt64] = []
        var releasedSegments: [SegmentRecord] = []
        var keys: [KeyRecord] = []
        var keyLimits: [UInt64: KeyLimit] = [:]
    }

    /// Removes files that no stream has: made after the last checkpoint, or not removed before the end of a process.
    func removeOrphans() {
        let known = engine.core.withLock { core in
            Set(
                core.runtimes.lazy.compactMap { $0 }.flatMap { $0.segments.map(\.key) }
                    + core.releasedSegments.map(\.key)
            )
        }
        let (paths, files) = (writer.paths, writer.files)
        for directory in (try? files.list(paths.segments)) ?? [] where directory.utf8.count == 2 {
            for name in (try? files.list(paths.segments + "/" + directory)) ?? [] {
                guard let (stream, base) = StorePaths.segmentName(name) else { continue }
                let key = SegmentKey(stream: stream, base: base)
                if !known.contains(key) { writer.remove(key) }
            }
        }
    }

    /// Copies only.
    mutating func copy() throws(CheckpointFailure) {
        let groups = engine.core.withLock { Array($0.uncopiedGroups) }
        try copy(groups)
    }

    /// Copies, and takes a checkpoint.
    mutating func checkpoint() throws(CheckpointFailure) {
        let wall = engine.clock.wallMilliseconds()
        let streamsWithKeys = keyRuns.streams
        let capture = engine.core.withLock { core in
            var capture = Capture(
                groups: Array(core.uncopiedGroups),
                mark: CheckpointMark(
                    position: core.durablePosition,
                    groupNumber: core.openGroup.number,
                    nextStream: core.durable.nextStream
                )
            )
            capture.slots = core.changedSlots
            for slot in core.changedSlots {
                guard let state = core.durable.streams[slot] else { continue }
                capture.states.append(state)
                core.runtimes[slot]?.isChanged = false
            }
            core.changedSlots = []
            capture.removedStreams = core.removedStreams
            core.removedStreams = []
            capture.releasedSegments = core.releasedSegments
            core.unlinkingByteCount = core.releasedSegments.reduce(0) { $0 + $1.byteCount }
            core.releasedSegments = []
            capture.keys = core.keys.takeUnnoted()
            for stream in streamsWithKeys.union(capture.keys.map(\.key.stream)) {
                guard let state = core.durable.state(of: stream) else { continue }
                capture.keyLimits[stream] = KeyLimit(
                    firstOrdinal: state.keyCount - min(state.keyCount, state.keyMaximumCount),
                    firstMilliseconds: wall - min(wall, state.keyMaximumAgeMilliseconds)
                )
            }
            return capture
        }
        do throws(CheckpointFailure) {
            try copy(capture.groups)
            try write(capture)
        } catch {
            putBack(capture)
            throw error
        }
        let limits = engine.core.withLock { core in
            core.statistics.checkpointCount += 1
            core.unlinkingByteCount = 0
            return core.limits
        }
        forget(capture.keys)
        do {
            try log.release(before: position, spareByteCount: UInt64(limits.commitLogFileByteCount))
        } catch {
            throw CheckpointFailure(error)
        }
        let byteCount = log.byteCount
        engine.core.withLock { $0.statistics.commitLogByteCount = byteCount }
    }

    private mutating func write(_ capture: Capture) throws(CheckpointFailure) {
        let released = Set(capture.releasedSegments.map(\.key))
        let removed = Set(capture.removedStreams)
        do { try writer.synchronize(except: released) } catch { throw CheckpointFailure(error, isSynchronizing: true) }
        var changes = MetadataChanges(mark: capture.mark)
        changes.streams = capture.states
        changes.removedStreams = capture.removedStreams
        changes.removedSegments = Array(released)
        changes.segments = changed.values.filter { !released.contains($0.key) && !removed.contains($0.stream) }
        changes.index = index.unnoted().filter {
            !released.contains($0.segment) && !removed.contains($0.segment.stream)
        }
        let runs: KeyRuns.Change
        do { runs = try keyRuns.prepare(adding: capture.keys, limits: capture.keyLimits) } catch {
            throw CheckpointFailure(error)
        }
        changes.keyRuns = runs.numbers
        do { try metadata.commit(changes) } catch {
            keyRuns.discard(runs)
            throw CheckpointFailure(error)
        }
        keyRuns.take(runs)
        position = capture.mark.position
        changed = [:]
        index.forget()
        // Nothing names these files any more, neither in memory nor on the disk.
        for key in released {
            reader.forget(key)
            writer.remove(key)
        }
    }

    /// What runs have need not be in memory. A little at a time: nobody appends meanwhile.
    private func forget(_ keys: [KeyRecord]) {
        for start in stride(from: 0, to: keys.count, by: 512) {
            let part = keys[start..<min(start + 512, keys.count)]
            engine.core.withLock { $0.keys.forget(part) }
        }
    }

    /// The next checkpoint has it to do.
    private func putBack(_ capture: Capture) {
        engine.core.withLock { core in
            for slot in capture.slots where core.runtimes.indices.contains(slot) { core.markChanged(slot) }
            core.removedStreams = capture.removedStreams + core.removedStreams
            core.unlinkingByteCount = 0
            core.releasedSegments = capture.releasedSegments + core.releasedSegments
            core.keys.putBack(capture.keys)
        }
    }

    private mutating func copy(_ groups: [FrameGroup]) throws(CheckpointFailure) {
        guard !groups.isEmpty else { return }
        var frames: [UInt64: [SegmentCopy.Frame]] = [:]
        for group in groups {
            for entry in group.entries {
                if let frame = Self.frame(entry, of: group) {
                    frames[entry.operation.stream, default: []].append(frame)
                }
            }
        }
        var copies = engine.core.withLock { core in
            frames.keys.sorted().compactMap { stream -> SegmentCopy? in
                guard let slot = core.durable.slots[stream], let state = core.durable.streams[slot],
                    let runtime = core.runtimes[slot]
                else { return nil }
                return SegmentCopy(
                    definition: state.definition,
                    policy: state.retention,
                    limits: core.limits,
                    last: runtime.segments.last,
                    messageCount: runtime.copiedMessageCount
                )
            }
        }
        var written: [[SegmentRecord]] = []
        for position in copies.indices {
            let stream = copies[position].definition.id
            do {
                written.append(try writer.write(frames[stream] ?? [], &copies[position]))
            } catch {
                throw CheckpointFailure(error)
            }
        }
        for records in written { for record in records { changed[record.key] = record } }
        index.add(copies.flatMap(\.index))
        let isAwaited = engine.core.withLock { core in
            for (copy, records) in zip(copies, written) { core.finish(copy, records) }
            for group in groups {
                core.uncopiedGroups.removeFirst()
                core.uncopiedByteCount -= group.buffer.count
                core.cachedGroups.append(group)
                core.cachedByteCount += group.buffer.count
            }
            core.shrinkCache()
            let isAwaited = core.flusherPaces
            core.flusherPaces = false
            return isAwaited
        }
        if isAwaited { engine.copiedSignal.raise() }
        withExtendedLifetime(groups) {}
    }

    /// What of a frame goes to segments: messages, closings, producers' progress.
    private static func frame(_ entry: FrameGroup.Entry, of group: FrameGroup) -> SegmentCopy.Frame? {
        switch entry.operation {
        case .append(let append):
            SegmentCopy.Frame(
                bytes: group.frame(entry),
                start: append.start,
                end: append.end,
                messageCount: UInt64(append.messageCount),
                milliseconds: append.milliseconds
            )
        case .create(let create) where create.messageCount > 0 || create.isClosed:
            SegmentCopy.Frame(
                bytes: group.frame(entry),
                start: create.definition.base,
                end: create.end,
                messageCount: UInt64(create.messageCount),
                milliseconds: create.definition.createdMilliseconds
            )
        default: nil
        }
    }
}
