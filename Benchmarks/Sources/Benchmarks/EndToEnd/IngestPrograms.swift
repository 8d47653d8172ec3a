import CollectorTesting

/// The daemon and its peers, running over one Redis.
struct IngestPrograms {
    let server: RedisServer
    let folder: TemporaryDirectory
    let subjects: [HTTPSubject]
    /// What is not installed.
    private let missing: [String]

    /// Starts them all; nginx only where HTTP alone is of interest.
    init(includingNginx: Bool) throws {
        server = try RedisServer(["--appendonly", "no"])
        try CorePlan.moveToClients(server)
        folder = try TemporaryDirectory()
        var subjects = [try HTTPSubject.daemon(redisSocket: server.socketPath, folder: folder.path)]
        var missing: [String] = []
        func add(_ subject: HTTPSubject?, _ program: String) {
            if let subject { subjects.append(subject) } else { missing.append(program) }
        }
        if includingNginx {
            add(try HTTPSubject.daemonOnLog(redisSocket: server.socketPath, folder: folder.path), "collectord")
            add(try HTTPSubject.nginx(folder: folder.path), "nginx")
        }
        add(try HTTPSubject.node(redisSocket: server.socketPath), "node")
        add(try HTTPSubject.go(redisSocket: server.socketPath, folder: folder.path), "Go (Debian: golang-go)")
        self.subjects = subjects
        self.missing = missing
    }

    /// Says which peers the table lacks.
    func reportMissing() {
        if !missing.isEmpty { print("Not installed, and so not in the table: \(missing.joined(separator: ", ")).\n") }
    }
}
