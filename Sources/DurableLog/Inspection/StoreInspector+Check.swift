import DequeModule
import Synchronization

/// How far long work is.
public struct InspectionProgress: Hashable, Sendable {
    /// Bytes looked at.
    public var doneByteCount: UInt64 = 0
    /// Bytes there are.
    public var totalByteCount: UInt64 = 0
}

/// What a check found.
public struct CheckReport: Hashable, Sendable {
    /// Files looked at.
    public var fileCount = 0
    /// Frames that are whole.
    public var frameCount = 0
    /// Messages in them; what is in a segment and in the log counts twice.
    public var messageCount = 0
    /// What is damaged, and what does not fit together.
    public var problems: [DamageNote] = []

    /// Whether all is well.
    public var isSound: Bool { problems.isEmpty }
}

/// What came of a salvage.
public struct SalvageReport: Hashable, Sendable {
    /// Streams made in the other store.
    public var streamCount = 0
    /// Messages brought over.
    public var messageCount = 0
    /// Streams that could not be brought over, with the reason.
    public var failed: [String: StreamStoreError] = [:]
    /// Places that could not be read, by stream.
    public var damaged: [String: [Range<StreamOffset>]] = [:]
}

extension StoreInspector {
    /// Looks at every frame's checksum, and at what refers to what.
    public func check(progress: (InspectionProgress) -> Void = { _ in }) -> CheckReport {
        var report = CheckReport()
        report.problems = recovery.damage
        let names = fileNames()
        var done = InspectionProgress()
        let sizes = names.map { name in (try? files.open(paths.root + "/" + name, .read).byteCount()) ?? 0 }
        done.totalByteCount = sizes.reduce(0, +)
        for (name, size) in zip(names, sizes) {
            do {
                try frames(of: name) { finding in
                    switch finding {
                    case .frame(let frame):
                        report.frameCount += 1
                        report.messageCount += frame.messageCount
                    case .damage(let note): report.add(note)
                    }
                    return true
                }
            } catch {
                report.add(DamageNote(place: name, byteRange: 0..<size, what: error.description))
            }
            report.fileCount += 1
            done.doneByteCount += size
            progress(done)
        }
        checkReferences(&report)
        checkKeys(&report)
        return report
    }

    /// Every record of the runs of keys.
    private func checkKeys(_ report: inout CheckReport) {
        let quarantine = Quarantine(paths, files) { _ in }
        let runs = KeyRuns(paths, files, quarantine, named: keyRuns, removingOthers: false)
        for note in quarantine.list { report.add(note) }
        runs.check { report.add($0) }
    }

    /// Segments follow one another up to what is in the log; origins are there; cursors lie inside.
    private func checkReferences(_ report: inout CheckReport) {
        core.withLock { core in
            for case let state? in core.durable.streams {
                guard let slot = core.durable.slots[state.definition.id], let runtime = core.runtimes[slot] else {
                    continue
                }
                let place = "stream \(state.definition.id)"
                func problem(_ range: Range<UInt64>, _ what: String) {
                    report.add(DamageNote(place: place, byteRange: range, what: what))
                }
                var position = max(state.earliest, state.definition.base)
                for segment in runtime.segments {
                    if segment.base > position { problem(position..<segment.base, "no segment holds these positions") }
                    position = max(position, segment.end)
                    let size = try? files.open(paths.segment(stream: segment.stream, base: segment.base), .read)
                        .byteCount()
                    if size == nil { problem(segment.base..<segment.end, "the segment's file is missing") }
                }
                for frame in runtime.hot where frame.end > position {
                    if frame.start > position {
                        problem(position..<frame.start, "the log does not hold these positions")
                    }
                    position = frame.end
                }
                if position < state.tail { problem(position..<state.tail, "nothing holds these positions") }
                if let parent = state.definition.parent, core.durable.slots[parent] == nil {
                    problem(0..<state.definition.base, "the stream it was forked from is not there")
                }
                for (_, cursor) in state.cursors where cursor > state.tail {
                    problem(state.tail..<cursor, "a cursor lies beyond the end")
                }
            }
        }
    }

    /// Brings all that can be read into another store: each stream with all its messages, forks on their own. Positions
    /// are new where something is missing or was released.
    public func salvage(
        to store: any StreamStore,
        progress: (InspectionProgress) -> Void = { _ in }
    ) async -> SalvageReport {
        var report = SalvageReport()
        var done = InspectionProgress()
        let all = streams()
        done.totalByteCount = all.reduce(0) { $0 + ($1.tail.position - $1.earliest.position) }
        for stream in all {
            do throws(StreamStoreError) {
                try await bring(stream, to: store, &report)
                report.streamCount += 1
            } catch {
                report.failed[stream.name] = error
            }
            done.doneByteCount += stream.tail.position - stream.earliest.position
            progress(done)
        }
        return report
    }

    private func bring(_ stream: StreamStatus, to store: any StreamStore, _ report: inout SalvageReport)
        async throws(StreamStoreError)
    {
        try await store.create(
            stream.name,
            CreateOptions(
                contentType: stream.contentType,
                isMessageList: stream.isMessageList,
                expiry: stream.expiry,
                retention: stream.retention
            )
        )
        var next = stream.earliest
        while true {
            let page = try read(stream.name, from: next, maximumByteCount: 1 << 20).get()
            if !page.messages.isEmpty {
                try await store.append(
                    page.bytes,
                    to: stream.name,
                    AppendOptions(messageByteCounts: page.messages.map(\.range.count))
                )
                report.messageCount += page.messages.count
            }
            if !page.damaged.isEmpty { report.damaged[stream.name, default: []] += page.damaged }
            if page.isUpToDate || page.next <= next { break }
            next = page.next
        }
        if stream.isClosed { try await store.closeStream(stream.name) }
        if stream.earliest == .zero, report.damaged[stream.name] == nil {
            for (name, offset) in stream.cursors { try store.setCursor(name, of: stream.name, to: offset).get() }
        }
    }
}

extension CheckReport {
    fileprivate mutating func add(_ note: DamageNote) {
        // The same place may have been found by the start already.
        if !problems.contains(where: {
            $0.place.hasSuffix(note.place) && $0.byteRange.lowerBound == note.byteRange.lowerBound
        }) {
            problems.append(note)
        }
    }
}
