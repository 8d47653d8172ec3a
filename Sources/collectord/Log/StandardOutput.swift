import Foundation

/// Standard output without the buffer of `print`: what was written is there when the command is ended.
enum StandardOutput {
    /// Writes a line. A command whose output nobody reads any more ends here, and so does one that cannot write.
    static func writeLine(_ bytes: [UInt8]) {
        let line = bytes + [UInt8(ascii: "\n")]
        var done = 0
        while done < line.count {
            let count = line[done...].withUnsafeBytes { write(1, $0.baseAddress, $0.count) }
            if count >= 0 {
                done += count
            } else if errno == EPIPE {
                exit(0)
            } else if errno != EINTR, errno != EAGAIN {
                let reason = String(cString: strerror(errno))
                FileHandle.standardError.write(Data("Error: standard output: \(reason)\n".utf8))
                exit(1)
            }
        }
    }

    /// Tells when nobody can read any more what is written: a pipe whose other end is closed.
    static func endOfReading() -> AsyncStream<Void> {
        let (ends, end) = AsyncStream.makeStream(of: Void.self)
        // Blocks until then, which is never where standard output is a file.
        Thread.detachNewThread {
            var descriptor = pollfd(fd: 1, events: 0, revents: 0)
            while poll(&descriptor, 1, -1) < 0, errno == EINTR {}
            end.yield()
        }
        return ends
    }
}
