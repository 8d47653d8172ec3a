#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// An open file that lines are appended to. Not safe for several threads.
///
/// Between `lock` and `unlock` nobody else who follows the same rules writes to it or puts it away.
final class OpenFile {
    let place: FilePlace
    let folder: FileFolder
    /// The file's length, or what has been written to something that is no file; and when that began.
    private(set) var state: FileRotation.File
    /// Whether something was written that has not been synchronized.
    private(set) var isDirty = false
    /// When it was used last, counted in uses.
    var lastUse = 0
    /// Whether it could not be put away, which is said once.
    var isStuck = false

    private var descriptor: Int32
    private let device: dev_t
    private let number: ino_t
    private let isRegular: Bool
    private let isNew: Bool
    /// Whether its lines are rows of csv, which may have line feeds inside.
    private let hasRows: Bool
    private var isWritten = false

    /// Opens a file for appending, creating it and its folders.
    ///
    /// - Returns: nil if there is none and none is to be created.
    init?(_ place: FilePlace, mode: FileMode, creates: Bool, hasRows: Bool) throws(WriteFailure) {
        var status = stat()
        if !creates, stat(place.path, &status) != 0, errno == ENOENT { return nil }
        // Not blocking, so that a pipe without reader holds nobody up.
        let flags = O_WRONLY | O_APPEND | O_CLOEXEC | O_NONBLOCK | (place.isConfined ? O_NOFOLLOW : 0)
        let folder = try FileFolder(of: place, mode: mode.folder)
        var opened = openat(folder.descriptor, place.name, flags)
        isNew = opened < 0 && errno == ENOENT && creates
        if isNew { opened = openat(folder.descriptor, place.name, flags | O_CREAT, mode.file) }
        guard opened >= 0, fstat(opened, &status) == 0 else {
            let failure =
                place.isConfined && (errno == ELOOP || errno == ENXIO)
                ? Self.notRegular : WriteFailure("open", number: errno)
            if opened >= 0 { _ = systemClose(opened) }
            folder.close()
            throw failure
        }
        isRegular = status.st_mode & S_IFMT == S_IFREG
        if place.isConfined, !isRegular {
            _ = systemClose(opened)
            folder.close()
            throw Self.notRegular
        }
        _ = fcntl(opened, F_SETFL, O_APPEND)
        self.place = place
        self.folder = folder
        self.hasRows = hasRows
        descriptor = opened
        device = status.st_dev
        number = status.st_ino
        // A file has not been looked at yet.
        state = FileRotation.File(byteCount: isRegular ? -1 : 0)
    }

    private static let notRegular = WriteFailure(
        "the name is that of a link, or of something else that is no file",
        isTransient: false
    )

    deinit { close() }

    /// Closes the file, which releases its lock.
    func close() {
        if descriptor < 0 { return }
        if hasRows, isRegular, isWritten { FileMark.wholeRows.write(state.byteCount, to: descriptor) }
        _ = systemClose(descriptor)
        descriptor = -1
        folder.close()
    }

    /// Whether it is the file that its path leads to; another program may have moved or deleted it.
    var isCurrent: Bool {
        var status = stat()
        return stat(place.path, &status) == 0 && status.st_dev == device && status.st_ino == number
    }

    // MARK: Locking

    /// Waits until nobody else has the file; false if that takes longer.
    func lock(patienceMilliseconds: Int) -> Bool {
        var waited = 0
        while flock(descriptor, LOCK_EX | LOCK_NB) != 0 {
            if errno == EINTR { continue }
            // A file system without locks has nobody to wait for.
            guard errno == EWOULDBLOCK else { return true }
            if waited >= patienceMilliseconds { return false }
            // flock(2) has no limit of its own; who holds a lock for a batch has done within a few of these.
            usleep(1000)
            waited += 1
        }
        return true
    }

    func unlock() {
        if descriptor >= 0 { _ = flock(descriptor, LOCK_UN) }
    }

    // MARK: Content

    /// Looks whether somebody else has written, and cuts off a line that was never finished.
    ///
    /// Such a line is what a killed process left of a batch; it was never reported as delivered.
    ///
    /// - Returns: How many bytes were cut off.
    func settle(headerByteCount: Int) throws(WriteFailure) -> Int {
        guard isRegular else { return 0 }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw WriteFailure("look at the file", number: errno) }
        let length = Int(status.st_size)
        if length == state.byteCount { return 0 }
        let whole = length == 0 ? 0 : try wholeByteCount(of: length)
        if whole < length, ftruncate(descriptor, off_t(whole)) != 0 {
            throw WriteFailure("cut off an unfinished line", number: errno)
        }
        state.byteCount = whole
        if whole <= headerByteCount {
            state.firstLineMilliseconds = nil
        } else if state.firstLineMilliseconds == nil {
            state.firstLineMilliseconds = FileMark.firstLine.read(descriptor) ?? Self.milliseconds(status.st_mtim)
        }
        return length - whole
    }

    /// Where the last whole line ends.
    private func wholeByteCount(of length: Int) throws(WriteFailure) -> Int {
        let flags = O_RDONLY | O_CLOEXEC | (place.isConfined ? O_NOFOLLOW : 0)
        let reader = openat(folder.descriptor, place.name, flags)
        guard reader >= 0 else { throw WriteFailure("read the end of the file", number: errno) }
        defer { _ = systemClose(reader) }
        let tail = FileTail(descriptor: reader, length: length)
        guard hasRows else { return try tail.endOfLastLine() }
        let known = state.byteCount >= 0 ? state.byteCount : FileMark.wholeRows.read(descriptor) ?? 0
        return try tail.endOfLastRow(from: known <= length ? known : 0)
    }

    /// Appends lines, behind the header if the file is empty. All of them, or none: what was written in part is cut off.
    func append(_ lines: ArraySlice<UInt8>, header: [UInt8], nowMilliseconds: Int) throws(WriteFailure) {
        let failure =
            state.byteCount == 0 && !header.isEmpty
            ? (header + lines).withUnsafeBytes(write) : lines.withUnsafeBytes(write)
        if let failure { throw failure }
        if state.firstLineMilliseconds == nil, isRegular {
            state.firstLineMilliseconds = nowMilliseconds
            FileMark.firstLine.write(nowMilliseconds, to: descriptor)
        }
    }

    private func write(_ bytes: UnsafeRawBufferPointer) -> WriteFailure? {
        var written = 0
        isDirty = true
        isWritten = true
        while written < bytes.count {
            let count = systemWrite(descriptor, bytes.baseAddress.map { $0 + written }, bytes.count - written)
            if count > 0 {
                written += count
            } else if errno != EINTR {
                let failure = WriteFailure("write", number: errno)
                // If even that fails, the length differs from what is known, and the next look cuts it.
                if isRegular, written > 0 { _ = ftruncate(descriptor, off_t(state.byteCount)) }
                return failure
            }
        }
        state.byteCount += written
        return nil
    }

    /// Makes sure that all that was written survives a loss of power.
    ///
    /// After a failure the file must be closed: what the kernel could not write it may forget, and then report success.
    func synchronize(with systemCall: (Int32) -> Int32) throws(WriteFailure) {
        guard isDirty, isRegular else { return }
        guard systemCall(descriptor) == 0 else { throw WriteFailure("fsync", number: errno) }
        isDirty = false
    }

    /// Makes sure that the name of a file that was created survives as well.
    func synchronizeName() throws(WriteFailure) {
        if isNew { try folder.synchronize() }
    }

    private static func milliseconds(_ time: timespec) -> Int {
        Int(time.tv_sec) * 1000 + Int(time.tv_nsec) / 1_000_000
    }
}

private func systemClose(_ descriptor: Int32) -> Int32 { close(descriptor) }

private func systemWrite(_ descriptor: Int32, _ bytes: UnsafeRawPointer?, _ count: Int) -> Int {
    write(descriptor, bytes, count)
}
