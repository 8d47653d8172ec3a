import Dispatch
import Glibc

/// A program that a measurement starts and ends, its output in a pipe.
final class ChildProcess {
    let identifier: pid_t
    private let output: Int32
    private var unread: [UInt8] = []
    private var hasEnded = false

    /// Starts a program, found in PATH unless the name has a slash, with standard output and error in one pipe.
    init(_ arguments: [String], environment: [String: String] = [:]) throws {
        var ends: (Int32, Int32) = (-1, -1)
        let status = withUnsafeMutableBytes(of: &ends) { pipe($0.assumingMemoryBound(to: Int32.self).baseAddress) }
        guard status == 0 else { throw BenchmarkError("no pipe: \(String(cString: strerror(errno)))") }
        output = ends.0
        _ = fcntl(output, F_SETFD, FD_CLOEXEC)
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_adddup2(&actions, ends.1, 1)
        posix_spawn_file_actions_adddup2(&actions, ends.1, 2)
        posix_spawn_file_actions_addclose(&actions, ends.1)
        // The threads of the concurrency runtime block signals, and a child would inherit that.
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        var noSignals = sigset_t()
        sigemptyset(&noSignals)
        posix_spawnattr_setsigmask(&attributes, &noSignals)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))
        let variables = Self.inherited() + environment.map { "\($0.key)=\($0.value)" }
        var argumentPointers: [UnsafeMutablePointer<CChar>?] = arguments.map { strdup($0) } + [nil]
        var variablePointers: [UnsafeMutablePointer<CChar>?] = variables.map { strdup($0) } + [nil]
        var child = pid_t()
        let code = posix_spawnp(&child, arguments[0], &actions, &attributes, &argumentPointers, &variablePointers)
        for pointer in argumentPointers + variablePointers { free(pointer) }
        posix_spawnattr_destroy(&attributes)
        posix_spawn_file_actions_destroy(&actions)
        close(ends.1)
        identifier = child
        guard code == 0 else {
            close(output)
            hasEnded = true
            throw BenchmarkError("cannot start \(arguments[0]): \(String(cString: strerror(code)))")
        }
    }

    deinit {
        if !hasEnded { end() }
        close(output)
    }

    /// What a program that ends by itself has written.
    static func output(of arguments: [String], environment: [String: String] = [:]) throws -> String {
        let process = try ChildProcess(arguments, environment: environment)
        var text = ""
        while let line = process.nextLine() { text += line + "\n" }
        let status = process.wait()
        guard status == 0 else { throw BenchmarkError("\(arguments[0]) ended with status \(status): \(text)") }
        return text
    }

    /// Waits for the line in which the text occurs; what the program writes afterwards is thrown away.
    func line(with text: String) throws -> String {
        var seen = ""
        while let line = nextLine() {
            if line.contains(text) {
                discardOutput()
                return line
            }
            seen += line + "\n"
        }
        throw BenchmarkError("a program ended before it wrote \"\(text)\": \(seen)")
    }

    /// Keeps the pipe from filling up, which would stop the program.
    private func discardOutput() {
        let copy = dup(output)
        DispatchQueue.global().async {
            withUnsafeTemporaryAllocation(byteCount: 4096, alignment: 1) { buffer in
                while read(copy, buffer.baseAddress, buffer.count) > 0 {}
            }
            close(copy)
        }
    }

    /// The next line of the output; nil at its end.
    private func nextLine() -> String? {
        while true {
            if let end = unread.firstIndex(of: UInt8(ascii: "\n")) {
                let line = String(decoding: unread[..<end], as: UTF8.self)
                unread.removeSubrange(...end)
                return line
            }
            let count = withUnsafeTemporaryAllocation(byteCount: 4096, alignment: 1) { buffer in
                let count = read(output, buffer.baseAddress, buffer.count)
                if count > 0 { unread.append(contentsOf: buffer[..<count]) }
                return count
            }
            if count > 0 || (count < 0 && errno == EINTR) { continue }
            guard !unread.isEmpty else { return nil }
            unread.append(UInt8(ascii: "\n"))
        }
    }

    /// Asks the process to end, and waits for it.
    func end() {
        kill(identifier, SIGTERM)
        _ = wait()
    }

    private func wait() -> Int32 {
        var status: Int32 = 0
        while waitpid(identifier, &status, 0) == -1, errno == EINTR {}
        hasEnded = true
        return status
    }

    private static func inherited() -> [String] {
        var variables: [String] = []
        var place = environ
        while let variable = place.pointee {
            variables.append(String(cString: variable))
            place += 1
        }
        return variables
    }
}
