/// A fault of the disk, or a moment to be killed at: a system call of a program that fails, comes late, or is never made.
///
/// ```swift
/// let fault = SystemCallFault(.failure("EIO"), of: "fdatasync", at: 5)
/// process.arguments = fault.command + ["collectord", "run", "flow.json"]
/// ```
///
/// Needs `strace` ([strace(1)](https://man7.org/linux/man-pages/man1/strace.1.html), "Tampering"), and leave to trace.
public struct SystemCallFault: Sendable, CustomStringConvertible {
    /// What becomes of the call.
    public enum Effect: Hashable, Sendable {
        /// It fails with that error, by its name in `errno.h`, and does nothing.
        case failure(String)
        /// It returns so much later.
        case delay(milliseconds: Int)
        /// The process is killed as it enters it.
        case kill
    }

    /// What becomes of it.
    public let effect: Effect
    /// The name of the call.
    public let call: String
    /// Which call of that name in a thread, from 1; nil for every one.
    public let number: Int?

    /// A fault of the N-th call of that name in a thread, or of every one.
    public init(_ effect: Effect, of call: String, at number: Int? = nil) {
        self.effect = effect
        self.call = call
        self.number = number
    }

    /// "fdatasync 5".
    public var description: String { number.map { "\(call) \($0)" } ?? call }

    /// The beginning of a command that runs the rest, which stays the child of who starts it.
    public var command: [String] { command(traceTo: "/dev/null") }

    /// The same, with what the calls of that name were, and which files they were about, written to a file.
    public func command(traceTo path: String) -> [String] {
        let what =
            switch effect {
            case .failure(let name): "error=\(name)"
            case .delay(let milliseconds): "delay_exit=\(milliseconds * 1_000)"
            case .kill: "signal=SIGKILL"
            }
        let when = number.map { ":when=\($0)" } ?? ""
        return Self.trace(of: [call], to: path) + ["-e", "inject=\(call):\(what)\(when)"]
    }

    /// The beginning of a command that runs the rest with its system calls written to a file, whole, for `FlushOrder`.
    public static func trace(of calls: [String], to path: String) -> [String] {
        ["strace", "-D", "-f", "-qq", "-y", "-s", "100000", "-o", path, "-e", "trace=\(calls.joined(separator: ","))"]
    }

    /// Whether there is `strace` here, and leave to trace.
    public static var isPossible: Bool {
        get async { await ChildProcess.succeeds(["strace", "-qq", "-o", "/dev/null", "true"]) }
    }
}
