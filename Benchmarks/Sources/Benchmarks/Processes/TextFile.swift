import Glibc

/// Small files as text.
enum TextFile {
    static func read(_ path: String) throws -> String {
        let descriptor = open(path, O_RDONLY)
        guard descriptor >= 0 else { throw BenchmarkError("cannot read \(path): \(String(cString: strerror(errno)))") }
        defer { close(descriptor) }
        return readAll(descriptor)
    }

    /// What a descriptor brings until its end.
    static func readAll(_ descriptor: Int32) -> String {
        var bytes: [UInt8] = []
        while true {
            let count = withUnsafeTemporaryAllocation(byteCount: 4096, alignment: 1) { buffer in
                let count = Glibc.read(descriptor, buffer.baseAddress, buffer.count)
                if count > 0 { bytes.append(contentsOf: buffer[..<count]) }
                return count
            }
            if count <= 0 { return String(decoding: bytes, as: UTF8.self) }
        }
    }

    static func write(_ text: [UInt8], to path: String) throws {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
        guard descriptor >= 0 else { throw BenchmarkError("cannot write \(path): \(String(cString: strerror(errno)))") }
        defer { close(descriptor) }
        guard Glibc.write(descriptor, text, text.count) == text.count else {
            throw BenchmarkError("cannot write \(path)")
        }
    }
}
