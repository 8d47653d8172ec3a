import CollectorTesting
import EventJSON

/// A program that takes events over HTTP, and where it takes them.
struct HTTPSubject {
    let name: String
    let process: ChildProcess
    let port: Int
    /// The stream that its events go to; nil if they go nowhere.
    let stream: String?
    /// Whether it never waits for Redis before it answers.
    var answersOnAcceptOnly = false

    /// The daemon with the measured mapping, in memory: `/collect` answers after Redis, `/early` on accept.
    static func daemon(redisSocket: String, folder: String) throws -> HTTPSubject {
        let arguments = try daemonArguments(redisSocket: redisSocket, folder: folder) + ["--memory"]
        return try daemon(arguments, name: "collectord")
    }

    /// The same on its log: answers when events are on the disk.
    static func daemonOnLog(redisSocket: String, folder: String) throws -> HTTPSubject {
        let arguments = try daemonArguments(redisSocket: redisSocket, folder: folder)
        return try daemon(arguments + ["--data-dir", folder + "/data"], name: "collectord, on the disk")
    }

    private static func daemon(_ arguments: [String], name: String) throws -> HTTPSubject {
        let process = try ChildProcess(CorePlan.subject(arguments))
        // …addresses=[IPv4]127.0.0.1/127.0.0.1:43757
        let line = try process.line(with: "HTTP server listens")
        return HTTPSubject(
            name: name,
            process: process,
            port: try port(atEndOf: line),
            stream: "events:product",
            answersOnAcceptOnly: arguments.contains("--data-dir")
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
        return [Program.ownFolder() + "/collectord", "run", file, "--host", "127.0.0.1", "--port", "0"]
    }

    static func port(atEndOf line: String) throws -> Int {
        let digits = line.reversed().prefix { $0.isASCII && $0.isNumber }.reversed()
        guard let port = Int(String(digits)) else { throw BenchmarkError("no port in: \(line)") }
        return port
    }
}
