import CollectorTesting
import EventJSON
import Foundation

/// A folder with a flow that writes to a file, and the arguments of a daemon with a log there.
struct FileFlow {
    let directory: TemporaryDirectory
    let arguments: [String]
    var output: String { directory.path + "/out.jsonl" }

    init(package: String = "http", data: String? = nil) throws {
        directory = try TemporaryDirectory()
        let flow = directory.path + "/flow.json"
        try Data(
            #"""
            {"version":4,"flows":{"f":{
              "sources":{"http":{"package":"\#(package)"}},
              "destinations":{"file":{"package":"file","config":{"settings":
                {"filename":"\#(directory.path)/out.jsonl"}}}}}}}
            """#.utf8
        ).write(to: URL(filePath: flow))
        arguments = ["run", flow, "--port", "0", "--data-dir", data ?? directory.path + "/data"]
    }

    /// The ids in the file.
    func ids() throws -> [String] {
        let text = String(decoding: try Data(contentsOf: URL(filePath: output)), as: UTF8.self)
        return try text.split(separator: "\n").map { line in
            let limits = JSONLimits(maximumByteCount: 1 << 20)
            return try JSONValue(jsonText: String(line), limits: limits)["id"].string ?? ""
        }
    }
}
