import Glibc

/// Small files for tests.
enum TestFile {
    /// Writes a file anew.
    static func write(_ text: String, to path: String) throws {
        guard let file = fopen(path, "w") else {
            throw TestSupportError("cannot write \(path): \(String(cString: strerror(errno)))")
        }
        defer { fclose(file) }
        guard fputs(text, file) >= 0 else { throw TestSupportError("cannot write \(path)") }
    }
}
