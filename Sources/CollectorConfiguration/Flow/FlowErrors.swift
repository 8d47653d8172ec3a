import Collector
import EventJSON

/// Everything that is wrong with a flow file, each with its place.
public struct FlowErrors: Error, Sendable, CustomStringConvertible {
    /// One fault.
    public struct Fault: Sendable, Equatable, CustomStringConvertible {
        /// The file.
        public let file: String
        /// The line, counted from 1.
        public let line: Int
        /// The column, counted from 1.
        public let column: Int
        /// The member names and indices that lead to the place; empty for a fault of syntax.
        public let path: [String]
        /// What is wrong and what to write instead.
        public let message: String

        /// `file:line:column: path: message`.
        public var description: String {
            let place = "\(file):\(line):\(column): "
            return place + (path.isEmpty ? message : "\(path.joined(separator: ".")): \(message)")
        }
    }

    /// The faults in the order of the file.
    public let faults: [Fault]

    /// One line per fault.
    public var description: String { faults.map(\.description).joined(separator: "\n") }

    /// The faults of a file, located in its text.
    init(_ problems: [ConfigurationProblem], file: String, text: [UInt8]) {
        faults = problems.map { problem in
            let place = JSONLocator.place(of: problem.path, in: text)
            return Fault(
                file: file,
                line: place?.line ?? 1,
                column: place?.column ?? 1,
                path: problem.path,
                message: problem.message
            )
        }
        .sorted { ($0.line, $0.column) < ($1.line, $1.column) }
    }

    /// A fault of syntax.
    init(_ error: JanssonText.SyntaxError, file: String) {
        faults = [Fault(file: file, line: error.line, column: error.column, path: [], message: error.message)]
    }
}
