import Glibc

/// Counts the allocations of programs, with a few lines of C that are loaded before them.
struct AllocationCounter {
    private let library: String
    private let file: String

    /// Builds the library into a folder.
    ///
    /// - Throws: When there is no C compiler.
    init(folder: String) throws {
        guard let compiler = ["cc", "clang", "gcc"].lazy.compactMap({ Program.path(of: $0) }).first else {
            throw BenchmarkError("counting allocations needs a C compiler (cc, clang or gcc)")
        }
        library = folder + "/count-allocations.so"
        file = folder + "/allocation-count"
        _ = try ChildProcess.output(of: [
            compiler, "-O2", "-shared", "-fPIC", "-o", library, Program.peersFolder + "/count-allocations.c",
        ])
        try TextFile.write(Array(repeating: 0, count: MemoryLayout<UInt64>.size), to: file)
    }

    /// What a program needs in its environment to be counted.
    var environment: [String: String] { ["LD_PRELOAD": library, "ALLOCATION_COUNT_FILE": file] }

    /// The allocations up to now of all programs that were started with that environment.
    func count() throws -> Int {
        let descriptor = open(file, O_RDONLY | O_CLOEXEC)
        defer { close(descriptor) }
        var count: UInt64 = 0
        guard read(descriptor, &count, MemoryLayout<UInt64>.size) == MemoryLayout<UInt64>.size else {
            throw BenchmarkError("cannot read \(file)")
        }
        return Int(count)
    }
}
