package import Glibc

/// Starting and reaping processes for tests.
package enum ChildProcess {
    /// Starts a program found in PATH, with the given descriptors as its standard input and outputs, and /dev/null for
    /// those that are left out.
    package static func spawn(
        _ arguments: [String],
        standardInput: Int32? = nil,
        standardOutput: Int32? = nil,
        standardError: Int32? = nil,
        environment: [String: String]? = nil
    ) throws -> pid_t {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        for (descriptor, given) in zip(Int32(0)..., [standardInput, standardOutput, standardError]) {
            if let given {
                posix_spawn_file_actions_adddup2(&actions, given, descriptor)
            } else {
                posix_spawn_file_actions_addopen(&actions, descriptor, "/dev/null", O_RDWR, 0)
            }
        }
        // The threads of the concurrency runtime block signals, and a child would inherit that.
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var noSignals = sigset_t()
        sigemptyset(&noSignals)
        posix_spawnattr_setsigmask(&attributes, &noSignals)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))
        let pointers = arguments.map { strdup($0) } + [nil]
        let variables = environment.map { $0.map { strdup("\($0.key)=\($0.value)") } + [nil] }
        defer { for pointer in pointers + (variables ?? []) { free(pointer) } }
        var identifier = pid_t()
        let code =
            if let variables {
                posix_spawnp(&identifier, arguments[0], &actions, &attributes, pointers, variables)
            } else {
                posix_spawnp(&identifier, arguments[0], &actions, &attributes, pointers, environ)
            }
        guard code == 0 else {
            throw TestSupportError("cannot start \(arguments[0]): \(String(cString: strerror(code)))")
        }
        return identifier
    }

    /// Waits for the end of a child; returns its exit code, or -1 when a signal ended it.
    @discardableResult
    package static func wait(for identifier: pid_t) -> Int32 {
        var status: Int32 = 0
        while waitpid(identifier, &status, 0) == -1, errno == EINTR {}
        return status & 0x7F == 0 ? status >> 8 & 0xFF : -1
    }

    /// Whether a program can be run, and says that all is well.
    package static func succeeds(_ command: [String]) async -> Bool {
        await BlockingWork.run { (try? spawn(command)).map { wait(for: $0) } == 0 }
    }

    /// Runs a program to its end.
    static func run(_ arguments: [String]) throws {
        let code = wait(for: try spawn(arguments))
        guard code == 0 else {
            throw TestSupportError("\(arguments.joined(separator: " ")) ended with \(code)")
        }
    }
}

/// Kills a child when this process ends, however it ends: a test that crashes leaves no server behind.
struct Watchdog {
    private let identifier: pid_t
    private let lifeline: Int32

    /// Starts a shell that waits for the end of this process.
    init(watching child: pid_t) throws {
        // A socket instead of a pipe: close-on-exec from the start, so that no other child holds it open.
        var descriptors: [Int32] = [-1, -1]
        guard socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0, &descriptors) == 0 else {
            throw TestSupportError("no socket pair: \(String(cString: strerror(errno)))")
        }
        lifeline = descriptors[0]
        defer { close(descriptors[1]) }
        let script = "read line; kill -9 \(child)"
        identifier = try ChildProcess.spawn(["sh", "-c", script], standardInput: descriptors[1])
    }

    /// Ends the watch; the child lives on.
    func end() {
        Glibc.kill(identifier, SIGKILL)
        ChildProcess.wait(for: identifier)
        close(lifeline)
    }
}
