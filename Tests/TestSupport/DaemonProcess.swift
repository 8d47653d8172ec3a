import CollectorTesting
public import Foundation

/// The built `collectord` as a process of a test's own; it keeps events in memory unless it gets a `--data-dir`.
///
/// ```swift
/// let daemon = try await DaemonProcess.start(["run", flow.path, "--port", "0"])
/// _ = try await HTTPExchange.post(#"{"name":"page view"}"#, port: daemon.port)
/// let end = await daemon.stop()     // SIGTERM
/// ```
public final class DaemonProcess: Sendable {
    /// How a process ended and what it wrote.
    public struct End: Sendable {
        /// The exit code.
        public let code: Int32
        /// What it wrote on standard output.
        public let output: String
        /// What it wrote on standard error.
        public let errors: String
    }

    /// Why a daemon could not be started.
    public struct Failure: Error, CustomStringConvertible {
        /// What it said instead of listening.
        public let description: String
        /// The code it ended with; -1 when a signal ended it.
        public let code: Int32
    }

    /// The process's number.
    public let identifier: pid_t
    private let output: PipeReader
    private let errors: PipeReader
    /// The port the daemon listens on; 0 for commands that do not listen.
    public let port: Int

    private init(identifier: pid_t, output: PipeReader, errors: PipeReader, port: Int) {
        self.identifier = identifier
        self.output = output
        self.errors = errors
        self.port = port
    }

    /// The program beside the test bundle.
    public static let executable: URL = {
        // The test runner and the program are built into the same folder.
        let arguments = CommandLine.arguments[0]
        let folder = Bundle.allBundles.map(\.bundleURL).first { $0.pathExtension == "xctest" }?
            .deletingLastPathComponent()
        return (folder ?? URL(filePath: arguments).deletingLastPathComponent()).appending(path: "collectord")
    }()

    /// Runs a command to its end; `wrapper` is a command that runs it.
    public static func run(
        _ arguments: [String],
        wrapper: [String] = [],
        input: String = "",
        environment: [String: String] = [:]
    ) async throws -> End {
        let daemon = try launch(arguments, wrapper: wrapper, input: input, environment: environment)
        return await daemon.end()
    }

    /// Starts a command that goes on until it is told to stop, and does not listen.
    public static func begin(_ arguments: [String]) throws -> DaemonProcess {
        try launch(arguments, input: "", environment: [:])
    }

    /// Starts a daemon and returns once it listens; `wrapper` is a command that runs the one behind it in its place.
    public static func start(
        _ arguments: [String],
        wrapper: [String] = [],
        environment: [String: String] = [:]
    ) async throws -> DaemonProcess {
        let daemon = try launch(arguments, wrapper: wrapper, input: "", environment: environment)
        guard let line = await daemon.errors.line(containing: "HTTP server listens"),
            let port = line.split(separator: ":").last.flatMap({ Int($0.prefix { $0.isNumber }) })
        else {
            let end = await daemon.end()
            throw Failure(description: end.errors, code: end.code)
        }
        return DaemonProcess(identifier: daemon.identifier, output: daemon.output, errors: daemon.errors, port: port)
    }

    private static func launch(
        _ arguments: [String],
        wrapper: [String] = [],
        input: String,
        environment: [String: String]
    ) throws -> DaemonProcess {
        let output = try PipeReader()
        let errors = try PipeReader()
        let standardInput = try PipeReader.pipe()
        // A test's events do not belong where a user's would be.
        let isRun = arguments.first == "run" && !arguments.contains("--data-dir") && !arguments.contains("--memory")
        let identifier = try ChildProcess.spawn(
            wrapper + [executable.path] + arguments + (isRun ? ["--memory"] : []),
            standardInput: standardInput.reading.fileDescriptor,
            standardOutput: output.writing.fileDescriptor,
            standardError: errors.writing.fileDescriptor,
            environment: ProcessInfo.processInfo.environment.merging(environment) { _, new in new }
        )
        try output.begin()
        try errors.begin()
        try standardInput.reading.close()
        standardInput.writing.write(Data(input.utf8))
        try standardInput.writing.close()
        return DaemonProcess(identifier: identifier, output: output, errors: errors, port: 0)
    }

    /// What the daemon has written on standard error.
    public var errorText: String { errors.text }

    /// Returns once that many lines with that text are on standard error, or the daemon ends.
    public func errorLines(containing text: String, count: Int) async {
        _ = await errors.line(containing: text, count: count)
    }

    /// The first line of standard output with that text, once it comes; nil if the daemon ends before.
    public func outputLine(containing text: String) async -> String? {
        await output.line(containing: text)
    }

    /// Sends SIGTERM and waits for the end.
    public func stop() async -> End {
        Foundation.kill(identifier, SIGTERM)
        return await end()
    }

    /// Sends SIGINT and waits for the end.
    public func interrupt() async -> End {
        Foundation.kill(identifier, SIGINT)
        return await end()
    }

    /// Waits until the process ends by itself.
    public func ended() async -> End { await end() }

    /// Kills the process at once (SIGKILL) and waits for the end.
    public func kill() async -> End {
        Foundation.kill(identifier, SIGKILL)
        return await end()
    }

    private func end() async -> End {
        let outputText = await output.all()
        let errorText = await errors.all()
        // The process is over, or about to be: it has closed both.
        let identifier = identifier
        let code = await BlockingWork.run { ChildProcess.wait(for: identifier) }
        return End(code: code, output: outputText, errors: errorText)
    }
}
