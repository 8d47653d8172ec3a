import CollectorTesting
import EventJSON

/// A program that takes events over HTTP, and where it takes them.
struct HTTPSubject {
    let name: String
    let process: ChildProcess
    let port: Int
    /// The stream that its events go to.
    let stream: String

    /// The daemon with the measured mapping: `/collect` answers after Redis, `/early` on accept.
    static func daemon(redisSocket: String, folder: String) throws -> HTTPSubject {
        let flow: JSONObject = [
            "version": 4,
            "flows": [
                "default": [
                    "sources": [
                        "http": ["package": "http", "config": ["settings": ["path": "/collect"]]],
                        "early": ["package": "http", "config": ["async": true, "settings": ["path": "/early"]]],
                    ],
                    "destinations": ["redis": ["package": "redis", "config": .object(destination(redisSocket))]],
                ]
            ],
        ]
        let file = folder + "/flow.json"
        try TextFile.write(JSONValue.object(flow).jsonText, to: file)
        let process = try ChildProcess([
            Program.ownFolder() + "/collectord", "run", file, "--host", "127.0.0.1", "--port", "0",
        ])
        // …addresses=[IPv4]127.0.0.1/127.0.0.1:43757
        let line = try process.line(with: "HTTP server listens")
        return HTTPSubject(
            name: "collectord",
            process: process,
            port: try port(atEndOf: line),
            stream: "events:product"
        )
    }

    private static func destination(_ socket: String) -> JSONObject {
        var destination = WorkMapping.configuration
        destination["settings"] = [
            "redis": ["options": ["path": .string(socket)], "streamKey": "bench:collectord", "maxLen": 1000]
        ]
        return destination
    }

    /// The hand-made node program; nil if node is not installed.
    static func node(redisSocket: String) throws -> HTTPSubject? {
        guard let node = Program.path(of: "node") else { return nil }
        let process = try ChildProcess([node, Program.peersFolder + "/node-redis.mjs", redisSocket])
        let line = try process.line(with: "listens on port")
        return HTTPSubject(
            name: "node:http by hand, no mapping",
            process: process,
            port: try port(atEndOf: line),
            stream: "bench:node"
        )
    }

    private static func port(atEndOf line: String) throws -> Int {
        let digits = line.reversed().prefix { $0.isASCII && $0.isNumber }.reversed()
        guard let port = Int(String(digits)) else { throw BenchmarkError("no port in: \(line)") }
        return port
    }
}
