import CollectorTesting
import EventJSON

/// A program that takes events over HTTP, and where it takes them.
struct HTTPSubject {
    let name: String
    let process: ChildProcess
    let port: Int
    /// The stream that its events go to; nil if they go nowhere.
    let stream: String?

    /// The daemon with the measured mapping: `/collect` answers after Redis, `/early` on accept.
    static func daemon(redisSocket: String, folder: String) throws -> HTTPSubject {
        let process = try ChildProcess(CorePlan.subject(try daemonArguments(redisSocket: redisSocket, folder: folder)))
        // …addresses=[IPv4]127.0.0.1/127.0.0.1:43757
        let line = try process.line(with: "HTTP server listens")
        return HTTPSubject(
            name: "collectord",
            process: process,
            port: try port(atEndOf: line),
            stream: "events:product"
        )
    }

    /// What starts the daemon; its flow is written into the folder.
    static func daemonArguments(redisSocket: String, folder: String) throws -> [String] {
        var destination = WorkMapping.configuration
        destination["settings"] = [
            "redis": ["options": ["path": .string(redisSocket)], "streamKey": "bench:collectord", "maxLen": 1000]
        ]
        // On accept, events come faster than Redis takes them, and the peers keep them all.
        destination["waitingMax"] = 10_000_000
        let flow: JSONObject = [
            "version": 4,
            "flows": [
                "default": [
                    "collector": ["memoryMax": 8_000_000_000],
                    "sources": [
                        "http": ["package": "http", "config": ["settings": ["path": "/collect"]]],
                        "early": ["package": "http", "config": ["async": true, "settings": ["path": "/early"]]],
                    ],
                    "destinations": ["redis": ["package": "redis", "config": .object(destination)]],
                ]
            ],
        ]
        let file = folder + "/flow.json"
        try TextFile.write(JSONValue.object(flow).jsonText, to: file)
        return [Program.ownFolder() + "/collectord", "run", file, "--host", "127.0.0.1", "--port", "0", "--memory"]
    }

    static func port(atEndOf line: String) throws -> Int {
        let digits = line.reversed().prefix { $0.isASCII && $0.isNumber }.reversed()
        guard let port = Int(String(digits)) else { throw BenchmarkError("no port in: \(line)") }
        return port
    }
}
