import Dispatch
import Logging
import Synchronization

/// Looks after files that were put away, on a thread of its own, so that deliveries do not wait for it.
final class FileMaintenance: Sendable {
    private struct State {
        /// What waits to be looked after.
        var paths: Set<String> = []
        var isEnding = false
    }

    private let rotated: RotatedFiles
    private let settings: FileSettings
    private let logger: Logger
    private let queue: DispatchQueue
    private let state = Mutex(State())

    init(settings: FileSettings, label: String, logger: Logger) {
        rotated = RotatedFiles(isCompressed: settings.isCompressed, keptCount: settings.rotation.keptCount)
        self.settings = settings
        self.logger = logger
        queue = DispatchQueue(label: label, qos: .utility)
    }

    /// Looks after what was put away of one file, soon.
    func tidy(_ place: FilePlace) {
        guard rotated.isNeeded, state.withLock({ $0.paths.insert(place.path).inserted }) else { return }
        queue.async {
            self.state.withLock { _ = $0.paths.remove(place.path) }
            self.noting(self.settings.label(of: place)) {
                let folder = try FileFolder(of: place, mode: self.settings.mode.folder)
                defer { folder.close() }
                try self.rotated.tidy(folder, name: place.name, isEnding: self.isEnding)
            }
        }
    }

    /// Walks through the folder of names that events choose: looks after what was put away, and finds the files that
    /// have lines.
    func walk(_ directory: String, found: @escaping @Sendable ([FilePlace]) -> Void) {
        queue.async {
            guard let folder = FileFolder(directory) else { return }
            defer { folder.close() }
            self.walk(folder, directory, below: "", found: found)
        }
    }

    private func walk(
        _ folder: FileFolder,
        _ directory: String,
        below prefix: String,
        found: @Sendable ([FilePlace]) -> Void
    ) {
        noting(directory) {
            if rotated.isNeeded { try rotated.tidy(folder, name: nil, isEnding: isEnding) }
            var places: [FilePlace] = []
            for name in try folder.names() where !isEnding() {
                // What no event can name is not ours.
                let path = prefix + name
                if let inner = FileFolder(name, in: folder) {
                    defer { inner.close() }
                    if (try? FileName(path + "/_")) != nil { walk(inner, directory, below: path + "/", found: found) }
                } else if let confined = try? FileName(path) {
                    places.append(FilePlace(confined, in: directory))
                }
            }
            found(places)
        }
    }

    private func noting(_ label: String, _ work: () throws -> Void) {
        do {
            try work()
        } catch {
            logger.error("rotated files not tidied", metadata: ["file": "\(label)", "error": "\(error)"])
        }
    }

    private func isEnding() -> Bool { state.withLock { $0.isEnding } }

    /// Returns once everything asked for so far is done.
    func settled() async {
        await withCheckedContinuation { continuation in
            queue.async { continuation.resume() }
        }
    }

    /// Stops soon; what is left is done at the next start.
    func end() async {
        state.withLock { $0.isEnding = true }
        await settled()
    }
}
