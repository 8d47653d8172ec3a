import Collector
import Dispatch
import Logging
import Synchronization

/// Writes to a destination's files on a thread of its own, so that a slow disk blocks nobody else, and wakes when a
/// file's age passes or is to be synchronized.
final class FileWriter: Sendable {
    private struct Alarm {
        let monotonicMilliseconds: Int
        let task: Task<Void, Never>
    }

    private let settings: FileSettings
    private let time: CollectorTime
    private let maintenance: FileMaintenance
    private let queue: DispatchQueue
    private let appending: CancellableWork
    private let files: Mutex<OpenFiles>
    private let alarm = Mutex<Alarm?>(nil)

    init(
        settings: FileSettings,
        header: [UInt8],
        id: String,
        time: CollectorTime,
        logger: Logger,
        systemSynchronize: @escaping @Sendable (Int32) -> Int32
    ) {
        self.settings = settings
        self.time = time
        queue = DispatchQueue(label: "collectord.file.\(id)")
        appending = CancellableWork(on: queue)
        let maintenance = FileMaintenance(
            settings: settings,
            label: "collectord.file.\(id).rotated",
            logger: logger
        )
        self.maintenance = maintenance
        files = Mutex(
            OpenFiles(
                settings: settings,
                header: header,
                time: time,
                logger: logger,
                systemSynchronize: systemSynchronize,
                onRotation: { maintenance.tidy($0) }
            )
        )
    }

    /// Opens the file, if the settings name it, and takes up what an earlier process left.
    ///
    /// - Throws: `WriteFailure` if the file or the folder cannot be opened, or is another's.
    func start() async throws {
        try await onQueue { files in
            if let place = self.settings.place {
                try files.probe(place)
            } else if let directory = self.settings.directory {
                try FileFolder(creating: directory, mode: self.settings.mode.folder).close()
            }
        }.get()
        if let place = settings.place {
            maintenance.tidy(place)
        } else if let directory = settings.directory, settings.rotation != FileRotation() {
            maintenance.walk(directory) { places in self.watch(places) }
        }
    }

    /// Looks at the age of files that lay there before, if ages matter.
    private func watch(_ places: [FilePlace]) {
        guard settings.rotation.maximumAgeMilliseconds != nil, !places.isEmpty else { return }
        queue.async {
            self.work { files in
                for place in places { files.ages.insert(place, dueMilliseconds: 0) }
                files.rotateDue()
            }
        }
    }

    /// Appends to each file with as few writes as rotation allows.
    func append(_ appends: [FileAppend]) async -> [FileAppend.Result] {
        do throws(WriteFailure) {
            return try await appending.run { self.work { files in appends.map { files.append($0) } } }
        } catch {
            return appends.map { _ in FileAppend.Result(writtenCount: 0, failure: error) }
        }
    }

    /// Ends all work and closes the files, after what was written is as safe as the settings promise.
    func end() async {
        await maintenance.end()
        _ = await onQueue { $0.closeAll() }
        alarm.withLock { $0?.task.cancel() }
    }

    /// Returns once everything asked for so far is done, also with what was put away.
    func settled() async {
        await maintenance.settled()
        _ = await onQueue { _ in }
        await maintenance.settled()
    }

    private func onQueue(
        _ body: @escaping @Sendable (OpenFiles) throws -> Void
    ) async -> Result<Void, any Error> {
        await withCheckedContinuation { continuation in
            queue.async { continuation.resume(returning: self.work { files in Result { try body(files) } }) }
        }
    }

    /// Works with the files, on the queue, and sets the alarm for what comes next.
    private func work<Value: Sendable>(_ body: (OpenFiles) -> Value) -> Value {
        let (value, wait) = files.withLock { files in (body(files), files.millisecondsUntilDue) }
        if let wait { wake(afterMilliseconds: wait) }
        return value
    }

    // MARK: Waking

    private func wake(afterMilliseconds milliseconds: Int) {
        let due = time.monotonicMilliseconds() + milliseconds
        alarm.withLock { alarm in
            if let alarm, alarm.monotonicMilliseconds <= due { return }
            alarm?.task.cancel()
            let task = Task {
                guard (try? await self.time.sleep(.milliseconds(milliseconds))) != nil else { return }
                self.queue.async { self.wakeUp(due) }
            }
            alarm = Alarm(monotonicMilliseconds: due, task: task)
        }
    }

    private func wakeUp(_ due: Int) {
        alarm.withLock { alarm in
            if alarm?.monotonicMilliseconds == due { alarm = nil }
        }
        work { files in
            files.synchronizeDue()
            files.rotateDue()
        }
    }
}
