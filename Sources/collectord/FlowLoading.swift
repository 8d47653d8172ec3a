import CollectorConfiguration
import Foundation

/// Something that a command cannot go on with, told in one sentence.
struct CommandError: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) {
        self.description = description
    }
}

/// Reads flows from files, with this process's environment.
enum FlowLoading {
    /// The flow of a file, or the default flow if there is none.
    static func flow(file: String?, named name: String?) throws -> Flow {
        let text = try file.map(FileText.read) ?? Array(DefaultFlow.text.utf8)
        return try flow(FlowFile(text: text, name: file ?? "default flow"), named: name)
    }

    /// A flow of a file that has been read.
    static func flow(_ file: FlowFile, named name: String?) throws -> Flow {
        let environment = EnvironmentSource(
            variable: { ProcessInfo.processInfo.environment[$0] },
            file: { try? String(decoding: FileText.read($0), as: UTF8.self) }
        )
        return try file.flow(
            named: name,
            environment: environment,
            destinationTypes: KnownTypes.destinations,
            sourceTypes: KnownTypes.sources,
            transformerTypes: KnownTypes.transformers,
            storeTypes: KnownTypes.stores
        )
    }
}

/// The flow that runs where no file is given: everything that comes is printed.
enum DefaultFlow {
    static let text = """
        {
          "version": 4,
          "flows": {
            "default": {
              "sources": { "http": { "package": "http" } },
              "destinations": { "console": { "package": "console" } }
            }
          }
        }
        """
}

/// Files as bytes.
enum FileText {
    /// The content of a file; `-` is standard input.
    static func read(_ path: String) throws -> [UInt8] {
        if path == "-" { return Array(FileHandle.standardInput.readDataToEndOfFile()) }
        do {
            return try Array(Data(contentsOf: URL(filePath: path)))
        } catch {
            throw CommandError("\(path): cannot be read: \(error.localizedDescription)")
        }
    }

    /// A path as written in another file: relative to that file's folder.
    static func path(_ path: String, besides file: String) -> String {
        if path.hasPrefix("/") { return path }
        return URL(filePath: file).deletingLastPathComponent().appending(path: path).path
    }
}
