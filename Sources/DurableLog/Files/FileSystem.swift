/// What the store asks of a file system: a seam, so that tests can lose power, tear writes and fill the disk.
protocol FileSystem: Sendable {
    func open(_ path: String, _ access: FileAccess) throws(FileFailure) -> any StorageFile
    /// Does nothing when it is there.
    func makeDirectory(_ path: String) throws(FileFailure)
    /// Names, in any order.
    func list(_ path: String) throws(FileFailure) -> [String]
    func rename(_ path: String, to other: String) throws(FileFailure)
    /// Does nothing when it is not there.
    func remove(_ path: String) throws(FileFailure)
    /// Makes creations, renamings and removals in a directory durable.
    func synchronizeDirectory(_ path: String) throws(FileFailure)
    /// Makes everything durable on the file system that the path is on.
    func synchronizeAll(_ path: String) throws(FileFailure)
    /// Keeps others out for as long as the file is kept; the failure says who was first.
    func lock(_ path: String) throws(FileFailure) -> any Sendable
}

enum FileAccess: Sendable {
    case read
    case readWrite
    /// Made anew, empty.
    case create
}

/// An open file. It is closed when nobody has it any more.
protocol StorageFile: AnyObject, Sendable {
    /// Writes all of it, or fails.
    func write(_ bytes: UnsafeRawBufferPointer, at offset: UInt64) throws(FileFailure)
    /// Reads until the buffer is full or the file ends.
    func read(_ buffer: UnsafeMutableRawBufferPointer, at offset: UInt64) throws(FileFailure) -> Int
    /// Makes what was written durable.
    func synchronizeData() throws(FileFailure)
    /// Makes what was written, and the file's length, durable.
    func synchronize() throws(FileFailure)
    /// Reserves room, so that writing into it cannot fail for want of it.
    func allocate(byteCount: UInt64) throws(FileFailure)
    func byteCount() throws(FileFailure) -> UInt64
}

extension StorageFile {
    /// A part of the file, shorter when the file ends before.
    func bytes(at offset: UInt64, count: Int) throws(FileFailure) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        var failure: FileFailure?
        var read = 0
        bytes.withUnsafeMutableBytes { buffer in
            do { read = try self.read(buffer, at: offset) } catch { failure = error as? FileFailure }
        }
        if let failure { throw failure }
        bytes.removeLast(count - read)
        return bytes
    }

    func write(_ bytes: [UInt8], at offset: UInt64) throws(FileFailure) {
        var failure: FileFailure?
        bytes.withUnsafeBytes { buffer in
            do { try self.write(buffer, at: offset) } catch { failure = error as? FileFailure }
        }
        if let failure { throw failure }
    }
}
