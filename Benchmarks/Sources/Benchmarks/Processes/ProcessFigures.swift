import Glibc

/// What the system knows of a process.
struct ProcessFigures {
    /// CPU time in user and system mode.
    let cpuSeconds: Double
    let residentBytes: Int

    /// Reads the figures of a process; its own without an id.
    init(of process: pid_t = getpid()) throws {
        let state = try Self.fields("/proc/\(process)/stat")
        let pages = try Self.fields("/proc/\(process)/statm")
        // The program's name in parentheses may hold spaces: count from the closing one.
        guard let name = state.lastIndex(where: { $0.hasSuffix(")") }), state.count > name + 13, pages.count > 1,
            let user = Double(state[name + 12]), let system = Double(state[name + 13]), let resident = Int(pages[1])
        else { throw BenchmarkError("cannot read the figures of a process") }
        cpuSeconds = (user + system) / Double(sysconf(Int32(_SC_CLK_TCK)))
        residentBytes = resident * sysconf(Int32(_SC_PAGESIZE))
    }

    private static func fields(_ path: String) throws -> [Substring] {
        try TextFile.read(path).split { $0 == " " || $0 == "\n" }
    }
}
