import Compression

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// Replaces a file by a compressed one, so that at any time one of them is there whole.
///
/// It is written under another name, synchronized, renamed, and only then the plain file is deleted. A killed process
/// leaves a draft, which is begun anew, or both files, of which the plain one is then deleted.
enum GzipFile {
    private static let chunkByteCount = 64 * 1024

    /// Compresses a file that was put away. Does nothing if another process is at it.
    static func compress(_ name: RotatedName, in folder: FileFolder, isEnding: () -> Bool) throws(WriteFailure) {
        let source = openat(folder.descriptor, name.plain, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
        guard source >= 0 else {
            if errno == ENOENT { return }
            throw WriteFailure("open a file to compress it", number: errno)
        }
        defer { close(source) }
        var status = stat()
        guard flock(source, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK,
            fstat(source, &status) == 0, status.st_mode & S_IFMT == S_IFREG,
            folder.status(of: name.plain)?.st_ino == status.st_ino
        else { return }
        if folder.status(of: name.compressed) == nil {
            guard try write(name, of: source, status, in: folder, isEnding: isEnding) else { return }
        }
        guard folder.remove(name.plain) else { throw WriteFailure("delete a compressed file's source", number: errno) }
        try folder.synchronize()
    }

    /// Writes the compressed file; false if that was given up because of the end.
    private static func write(
        _ name: RotatedName,
        of source: Int32,
        _ status: stat,
        in folder: FileFolder,
        isEnding: () -> Bool
    ) throws(WriteFailure) -> Bool {
        let flags = O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW
        let target = openat(folder.descriptor, name.draft, flags, status.st_mode & 0o777)
        guard target >= 0 else { throw WriteFailure("create a compressed file", number: errno) }
        var isWhole = false
        defer {
            close(target)
            if !isWhole { folder.remove(name.draft) }
        }
        guard try copy(source, to: target, isEnding: isEnding) else { return false }
        // The time of the last line, for who deletes files by age.
        var times = [status.st_atim, status.st_mtim]
        _ = futimens(target, &times)
        guard fsync(target) == 0 else { throw WriteFailure("fsync of a compressed file", number: errno) }
        guard renameat(folder.descriptor, name.draft, folder.descriptor, name.compressed) == 0 else {
            throw WriteFailure("rename a compressed file", number: errno)
        }
        isWhole = true
        try folder.synchronize()
        return true
    }

    /// Compresses all that there is to read; false if that was given up because of the end.
    private static func copy(_ source: Int32, to target: Int32, isEnding: () -> Bool) throws(WriteFailure) -> Bool {
        guard var deflater = try? Deflater(.gzip) else { throw WriteFailure("compress", number: ENOMEM) }
        var input = [UInt8](repeating: 0, count: chunkByteCount)
        var output = [UInt8](repeating: 0, count: chunkByteCount)
        while true {
            if isEnding() { return false }
            let count = systemRead(source, &input, input.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw WriteFailure("read a file to compress it", number: errno) }
            var position = 0
            var isFinished = false
            while position < count || (count == 0 && !isFinished) {
                let step = output.withUnsafeMutableBytes { room in
                    input[position..<count].withUnsafeBytes {
                        count == 0 ? deflater.finish(into: room) : deflater.deflate($0, into: room)
                    }
                }
                position += step.readByteCount
                isFinished = step.isFinished
                try writeAll(output[..<step.writtenByteCount], to: target)
            }
            if count == 0 { return true }
        }
    }

    private static func writeAll(_ bytes: ArraySlice<UInt8>, to target: Int32) throws(WriteFailure) {
        var rest = bytes
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { systemWrite(target, $0.baseAddress, $0.count) }
            if count > 0 {
                rest = rest.dropFirst(count)
            } else if errno != EINTR {
                throw WriteFailure("write a compressed file", number: errno)
            }
        }
    }
}

private func systemRead(_ descriptor: Int32, _ bytes: UnsafeMutableRawPointer, _ count: Int) -> Int {
    read(descriptor, bytes, count)
}

private func systemWrite(_ descriptor: Int32, _ bytes: UnsafeRawPointer?, _ count: Int) -> Int {
    write(descriptor, bytes, count)
}
