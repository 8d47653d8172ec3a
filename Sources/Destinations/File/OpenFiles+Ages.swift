import Collector
import Logging

/// Putting files away because of their age, also when nothing more is written to them.
extension OpenFiles {
    /// After a failure, a file is looked at again so much later.
    private static let pauseMilliseconds = 60_000

    /// Remembers when the file's age will have passed.
    func watchAge(of file: OpenFile) {
        guard let age = settings.rotation.maximumAgeMilliseconds, let first = file.state.firstLineMilliseconds else {
            return
        }
        ages.insert(file.place, dueMilliseconds: first + age)
    }

    /// Puts away the files whose age has passed.
    func rotateDue() {
        let now = time.nowMilliseconds()
        while let place = ages.popDue(nowMilliseconds: now) {
            do throws(WriteFailure) {
                try rotate(place, nowMilliseconds: now)
            } catch {
                logger.error(
                    "file not rotated",
                    metadata: ["file": "\(settings.label(of: place))", "error": "\(error)"]
                )
                ages.insert(place, dueMilliseconds: now + Self.pauseMilliseconds)
            }
        }
    }

    private func rotate(_ place: FilePlace, nowMilliseconds: Int) throws(WriteFailure) {
        guard let file = try locked(place, creates: false) else { return }
        defer { file.unlock() }
        if !settings.rotation.isTooOld(file.state, nowMilliseconds: nowMilliseconds) {
            watchAge(of: file)
        } else if try !putAway(file) {
            ages.insert(place, dueMilliseconds: nowMilliseconds + Self.pauseMilliseconds)
        }
    }
}
