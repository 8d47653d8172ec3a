import CollectorTesting
import Glibc

/// Which core runs what: measured programs have one of their own, so that none gains by what another leaves free.
enum CorePlan {
    /// Whether there are cores to hand out, and `taskset` to do so.
    static let isPinning = sysconf(Int32(_SC_NPROCESSORS_ONLN)) >= 2 && Program.path(of: "taskset") != nil

    /// One line about it, for beneath a heading.
    static var description: String {
        isPinning
            ? "Every measured program is pinned to core 0; clients and redis-server to core 1."
            : "Nothing is pinned to a core: there is only one, or no taskset."
    }

    /// The arguments that start a measured program on its core.
    static func subject(_ arguments: [String]) -> [String] {
        pinned(arguments, core: 0)
    }

    /// The arguments that start a client on the other core.
    static func client(_ arguments: [String]) -> [String] {
        pinned(arguments, core: 1)
    }

    /// Moves a Redis server to the clients' core.
    static func moveToClients(_ server: RedisServer) throws {
        guard isPinning else { return }
        let info = try server.probe().command("INFO", "server").text ?? ""
        let line = info.split(whereSeparator: \.isNewline).first { $0.hasPrefix("process_id:") }
        guard let identifier = line?.split(separator: ":").last else { throw BenchmarkError("redis-server has no id") }
        _ = try ChildProcess.output(of: ["taskset", "-a", "-c", "-p", "1", String(identifier)])
    }

    /// Does work of a client in this process, on the clients' core.
    static func asClient(_ work: () throws -> Void) throws {
        try moveSelf(to: "1")
        defer { try? moveSelf(to: "0-\(sysconf(Int32(_SC_NPROCESSORS_ONLN)) - 1)") }
        try work()
    }

    private static func moveSelf(to cores: String) throws {
        guard isPinning else { return }
        _ = try ChildProcess.output(of: ["taskset", "-a", "-c", "-p", cores, String(getpid())])
    }

    private static func pinned(_ arguments: [String], core: Int) -> [String] {
        isPinning ? ["taskset", "-c", String(core)] + arguments : arguments
    }
}
