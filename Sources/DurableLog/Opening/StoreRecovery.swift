/// Makes a core of what is in a directory: the metadata, and the log behind its checkpoint.
struct StoreRecovery {
    private(set) var core: StoreCore
    private(set) var report = RecoveryReport()
    private(set) var ranges: [LogFileRange]
    private(set) var position: UInt64
    private let time: StoreTime
    private let quarantine: Quarantine
    private var group: FrameGroup
    /// The frames that a group in memory holds at most.
    private static let groupByteCount = 4 << 20

    init(
        _ paths: StorePaths,
        _ files: any FileSystem,
        _ loaded: LoadedMetadata?,
        _ logFiles: LogFiles,
        _ quarantine: Quarantine,
        limits: StoreLimits,
        time: StoreTime
    ) throws(FileFailure) {
        self.time = time
        self.quarantine = quarantine
        ranges = logFiles.ranges
        let first = ranges.first?.firstFrame ?? 0
        position = loaded?.mark.position ?? first
        group = FrameGroup(number: 0, startPosition: position, capacity: 4096)
        core = StoreCore(
            limits: limits,
            position: position,
            logFile: LogFileRange(base: 0, byteCount: 0, previousEnd: 0),
            groupNumber: loaded?.mark.groupNumber ?? 1
        )

        let isDamaged = loaded.map { $0.damagedCount > 0 } ?? true
        var states = loaded?.streams ?? []
        var segments = loaded?.segments ?? []
        if isDamaged, ranges.isEmpty || ranges.first?.base == 0 {
            // The log still has everything there ever was.
            states = []
            segments = []
            position = first
            report.isRebuilt = loaded != nil
        } else if isDamaged {
            let rebuild = try SegmentRebuild(paths, files, quarantine)
            let known = Set(states.map(\.definition.id))
            states += rebuild.states.values.filter { !known.contains($0.definition.id) }
            let knownSegments = Set(segments.map(\.key))
            segments += rebuild.segments.filter { !knownSegments.contains($0.key) }
            report.isRebuilt = true
            // The log may hold what the segments do not, from its beginning on.
            position = first
        }
        restore(states, segments, loaded?.mark.nextStream ?? 1, isRebuilt: isDamaged)
        if let loaded, first > loaded.mark.position, !ranges.isEmpty, ranges[0].previousEnd > loaded.mark.position {
            quarantine.note(
                paths.log,
                loaded.mark.position..<first,
                "files of the commit log are missing; what they held is lost"
            )
        }
        try scan(paths, files, groupNumber: loaded?.mark.groupNumber ?? 1)
        finishGroup()
        core.pending = core.durable
    }

    private mutating func restore(
        _ states: [StreamState],
        _ segments: [SegmentRecord],
        _ nextStream: UInt64,
        isRebuilt: Bool
    ) {
        for state in states.sorted(by: { $0.definition.id < $1.definition.id }) {
            let slot = core.durable.insert(state)
            while core.runtimes.count <= slot { core.runtimes.append(nil) }
            var runtime = StreamRuntime(
                stream: state.definition.id,
                accessMonotonic: access(of: state),
                isChanged: isRebuilt
            )
            runtime.copiedMessageCount = state.messageCount
            core.runtimes[slot] = runtime
            if isRebuilt { core.changedSlots.append(slot) }
        }
        core.durable.recountReferences()
        core.durable.reserve(streamsBelow: nextStream)
        for segment in segments.sorted(by: { ($0.stream, $0.base) < ($1.stream, $1.base) }) {
            guard let slot = core.durable.slots[segment.stream] else { continue }
            core.runtimes[slot]?.segments.append(segment)
            core.statistics.segmentByteCount += segment.byteCount
        }
    }

    /// What is noted of accesses is coarse; nothing ends earlier for that.
    private func access(of state: StreamState) -> UInt64 {
        guard case .afterIdle(let seconds) = state.definition.expiry else { return time.monotonic }
        let noted = state.lastAccessMilliseconds + StoreCore.accessGranularityMilliseconds(ofIdle: seconds)
        let elapsed = time.wall - min(time.wall, noted)
        return time.monotonic - min(time.monotonic, elapsed)
    }

    private mutating func scan(_ paths: StorePaths, _ files: any FileSystem, groupNumber: UInt64) throws(FileFailure) {
        var scan = LogScan(from: position, groupNumber: 0)
        for (number, range) in ranges.enumerated() {
            let next = number + 1 < ranges.count ? ranges[number + 1] : nil
            if let next, next.previousEnd <= position { continue }
            let path = paths.logFile(base: range.base)
            let file = try files.open(path, .read)
            let bytes = try file.bytes(at: 0, count: Int(min(try file.byteCount(), range.byteCount)))
            report.scannedByteCount += UInt64(bytes.count)
            bytes.withUnsafeBytes { buffer in
                scan.scan(buffer, range, nextEnd: next?.previousEnd) { finding in
                    take(finding, path, base: range.base)
                }
            }
            if next != nil, scan.position < range.end, UInt64(bytes.count) < range.byteCount {
                quarantine.note(path, UInt64(bytes.count)..<range.byteCount, "the file is cut short")
            }
        }
        position = max(position, scan.position)
        core.durablePosition = position
        let number = max(scan.groupNumber, groupNumber) + 1
        core.openGroup = FrameGroup(number: number, startPosition: position, capacity: 4096)
    }

    private mutating func take(_ finding: LogScan.Finding, _ path: String, base: UInt64) {
        switch finding {
        case .frame(let frame):
            if !apply(frame) {
                let at = frame.header.logPosition - base
                quarantine.note(
                    path,
                    at..<at + UInt64(frame.header.length),
                    "speaks of a stream that is not there; set aside",
                    bytes: frame.bytes
                )
            }
        case .damage(let range, let bytes):
            quarantine.note(
                path,
                range.lowerBound - base..<range.upperBound - base,
                "damaged; set aside, what follows is kept",
                bytes: bytes
            )
        case .tornTail(let range, let frameCount, let bytes):
            guard frameCount > 0 || Self.beginsFrame(bytes, at: range.lowerBound) else { return }
            quarantine.note(
                path,
                range.lowerBound - base..<range.upperBound - base,
                "cut: a torn frame and \(frameCount) behind it, which were not acknowledged unless the disk changed them since",
                bytes: bytes
            )
        }
    }

    /// Whether there was a frame: what a recycled file still holds has other positions.
    private static func beginsFrame(_ bytes: UnsafeRawBufferPointer, at position: UInt64) -> Bool {
        guard bytes.count >= FrameHeader.byteCount else { return false }
        return UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: 16, as: UInt64.self)) == position
            || FrameHeader(bytes).map { $0.logPosition == position } ?? false
            || bytes.loadUnaligned(as: UInt32.self) == FrameHeader.magic.littleEndian
                && bytes.loadUnaligned(fromByteOffset: 24, as: UInt64.self) == position.littleEndian
    }

    /// Applies a frame of the log; `false` when its stream is not known.
    private mutating func apply(_ frame: FrameView) -> Bool {
        guard let operation = try? frame.operation() else { return false }
        report.replayedFrameCount += 1
        var slot = -1
        switch operation {
        case .create(let create):
            // Made anew from its segments already.
            if core.durable.slots[create.definition.id] != nil { return true }
        case .append(let append):
            guard let known = core.durable.slots[append.stream], let state = core.durable.streams[known] else {
                return false
            }
            if append.start < state.tail { return true }
            if append.start == state.tail, append.end == state.tail, state.isClosed { return true }
            slot = known
            if append.keys != nil { remember(append, frame, firstOrdinal: state.keyCount) }
        default:
            guard let known = core.durable.slots[operation.stream] else { return true }
            slot = known
        }
        let start = group.buffer.count
        let copy = group.buffer.extend(by: frame.header.paddedLength)
        copy.initializeMemory(as: UInt8.self, repeating: 0, count: frame.header.paddedLength)
        if let base = frame.bytes.baseAddress { copy.copyMemory(from: base, byteCount: frame.bytes.count) }
        group.add(operation, slot: slot, frameStart: start, frameLength: frame.bytes.count)
        var callbacks = StoreCallbacks()
        if let entry = group.entries.last { core.apply(entry, of: group, time, &callbacks) }
        if group.buffer.count >= Self.groupByteCount { finishGroup() }
        return true
    }

    private mutating func remember(_ append: AppendOperation, _ frame: FrameView, firstOrdinal: UInt64) {
        var position = append.start
        var ends: [UInt64] = []
        for index in 0..<frame.messageCount {
            position += UInt64(frame.messageByteCount(index)) + 1
            ends.append(position)
        }
        core.keys.insert(append, firstOrdinal: firstOrdinal, ends: ends)
    }

    private mutating func finishGroup() {
        guard !group.entries.isEmpty else { return }
        core.uncopiedGroups.append(group)
        core.uncopiedByteCount += group.buffer.count
        group = FrameGroup(number: 0, startPosition: position, capacity: Self.groupByteCount)
    }

    /// The log goes on in this file, at `position`.
    mutating func goOn(in range: LogFileRange) {
        if ranges.last?.base != range.base { ranges.append(range) }
        core.logFile = range
        position = max(position, range.firstFrame)
        core.durablePosition = position
        core.openGroup = FrameGroup(number: core.openGroup.number, startPosition: position, capacity: 4096)
    }

    mutating func noteDamage() {
        report.damage = quarantine.list
    }
}
