import Glibc

/// Programs to measure beside; nil where what they need is not installed.
extension HTTPSubject {
    /// What HTTP alone costs: nginx reads the body, throws it away and answers.
    static func nginx(folder: String) throws -> HTTPSubject? {
        // Debian keeps it where users without privileges do not look.
        let found = Program.path(of: "nginx") ?? (access("/usr/sbin/nginx", X_OK) == 0 ? "/usr/sbin/nginx" : nil)
        guard let program = found else { return nil }
        let port = try LoopbackSocket.freePort()
        try TextFile.write(Array(nginxConfiguration(port: port, folder: folder).utf8), to: folder + "/nginx.conf")
        let process = try ChildProcess(
            CorePlan.subject([program, "-p", folder, "-c", folder + "/nginx.conf", "-e", "stderr"])
        )
        try LoopbackSocket.waitUntilListening(port: port)
        return HTTPSubject(name: "nginx, return 200", process: process, port: port, stream: nil)
    }

    /// node:http and RESP by hand.
    static func node(redisSocket: String) throws -> HTTPSubject? {
        guard let node = Program.path(of: "node") else { return nil }
        return try peer(
            "node:http by hand, no mapping",
            [node, Program.peersFolder + "/node-redis.mjs", redisSocket],
            stream: "bench:node"
        )
    }

    /// net/http and RESP by hand; it is built here.
    static func go(redisSocket: String, folder: String) throws -> HTTPSubject? {
        guard let go = Program.path(of: "go") else { return nil }
        let program = folder + "/go-peer"
        _ = try ChildProcess.output(of: [go, "build", "-o", program, Program.peersFolder + "/go/main.go"])
        return try peer("Go net/http by hand, no mapping", [program, redisSocket], stream: "bench:go")
    }

    private static func peer(_ name: String, _ arguments: [String], stream: String) throws -> HTTPSubject {
        let process = try ChildProcess(CorePlan.subject(arguments))
        let line = try process.line(with: "listens on port")
        return HTTPSubject(name: name, process: process, port: try port(atEndOf: line), stream: stream)
    }

    private static func nginxConfiguration(port: Int, folder: String) -> String {
        """
        daemon off;
        master_process off;
        worker_processes 1;
        pid \(folder)/nginx.pid;
        error_log stderr error;
        events { worker_connections 1024; }
        http {
            access_log off;
            default_type application/json;
            keepalive_requests 1000000000;
            client_max_body_size 1m;
            client_body_temp_path \(folder)/nginx-body;
            proxy_temp_path \(folder)/nginx-proxy;
            fastcgi_temp_path \(folder)/nginx-fastcgi;
            uwsgi_temp_path \(folder)/nginx-uwsgi;
            scgi_temp_path \(folder)/nginx-scgi;
            server {
                listen 127.0.0.1:\(port);
                location / { return 200 '{"success":true,"timestamp":1700000000000}'; }
            }
        }

        """
    }
}
