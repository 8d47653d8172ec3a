import CollectorTesting
import EventJSON
import Foundation
import TestSupport
import Testing

/// No secret shows anywhere: not in logs of any level, in answers, or in what the tools print, of good files and bad.
@Suite("Secrets", .timeLimit(.minutes(2)))
struct SecretTests {
    private static let writeKey = "canary-write-key-0123456789"
    private static let password = "canary-redis-password-0123"
    private static let hashSecret = "canary-hmac-secret-012345"

    private static let environment = [
        "CANARY_KEY": writeKey, "CANARY_PASSWORD": password, "CANARY_HASH": hashSecret,
    ]

    private func flow(redis: String) -> String {
        #"""
        {"version":4,"flows":{"shop":{
          "sources":{"http":{"package":"http","config":{"settings":{"keys":[{"id":"web","key":"$secret.CANARY_KEY"}]},
            "ingest":{"map":{"agent":"headers.user-agent"}}}}},
          "destinations":{"redis":{"package":"redis","config":{
            "settings":{"redis":{"url":"\#(redis)","streamKey":"events"}},
            "data":{"map":{"user":{"key":"user.id","fn":[{"hmacSha256":{"secret":"$secret.CANARY_HASH"}}]}}}}}}}}}
        """#
    }

    private func expectNoSecret(
        in texts: [String],
        key: String? = nil,
        sourceLocation: SourceLocation = #_sourceLocation
    ) {
        for text in texts {
            for secret in [Self.writeKey, Self.password, Self.hashSecret] + (key.map { [$0] } ?? []) {
                let place = text.firstRange(of: secret).map { String(text[..<$0.lowerBound].suffix(200)) }
                #expect(place == nil, "\(place ?? "")…", sourceLocation: sourceLocation)
            }
        }
    }

    @Test("of the daemon at its loudest, with right and wrong keys, a right and a wrong password, and over TLS")
    func daemon() async throws {
        let certificates = try TestCertificates()
        let identity = try certificates.issue("localhost")
        // Any line of the key itself will do.
        let keyText = try String(contentsOfFile: identity.key, encoding: .utf8)
        let key = keyText.split(separator: "\n").first { !$0.hasPrefix("-") }.map(String.init) ?? ""
        #expect(key.count > 20)
        for isRight in [true, false] {
            let redis = try RedisServer(["--requirepass", isRight ? Self.password : "another-password"])
            let directory = try TemporaryDirectory()
            let path = directory.path + "/flow.json"
            let url = "unix://:$secret.CANARY_PASSWORD@\(redis.socketPath)"
            try Data(flow(redis: url).utf8).write(to: URL(filePath: path))
            for tls in [[], ["--tls-certificate", identity.certificate, "--tls-key", identity.key]] {
                let daemon = try await DaemonProcess.start(
                    ["run", path, "--port", "0", "--log-level", "trace", "--log-format", "json"] + tls,
                    environment: Self.environment
                )
                var answers: [String] = []
                if tls.isEmpty {
                    for key in [Self.writeKey, Self.writeKey + "x", "x"] where isRight || key != Self.writeKey {
                        let answer = try await HTTPExchange.send(
                            HTTPExchange.request(
                                "POST",
                                "/collect?key=\(key)",
                                headers: [("Content-Type", "text/plain"), ("Authorization", "Bearer \(key)")],
                                body: Array(#"{"name":"page view","user":{"id":"u"}}"#.utf8)
                            ),
                            port: daemon.port
                        )
                        #expect(answer.status == (key == Self.writeKey ? 200 : 401))
                        answers.append(answer.text + "\(answer.headers)")
                    }
                } else {
                    // Plain HTTP at a port that speaks TLS.
                    let port = daemon.port
                    _ = try await BlockingWork.run {
                        let connection = try RawConnection(port: port)
                        connection.send("GET / HTTP/1.1\r\nAuthorization: Bearer \(Self.writeKey)\r\n\r\n")
                        connection.closeOutput()
                        return try connection.receiveAll()
                    }
                }
                let end = await daemon.kill()
                expectNoSecret(in: answers + [end.output, end.errors], key: key)
            }
        }
    }

    @Test("of validate, simulate and run, of good files and of files with a fault at each secret")
    func tools() async throws {
        let directory = try TemporaryDirectory()
        let path = directory.path + "/flow.json"
        let good = flow(redis: "redis://user:$secret.CANARY_PASSWORD@127.0.0.1:1/0")
        let faults = [
            good, good.replacing("127.0.0.1:1/0", with: "127.0.0.1:x/0"), good.replacing("redis://", with: "http://"),
            good.replacing("/0\"", with: "/0?nothing=1\""), good.replacing("\"id\":\"web\",", with: ""),
            good.replacing("\"streamKey\"", with: "\"streamkey\""),
            good.replacing("{\"secret\":", with: "{\"secrets\":"),
            good.replacing("$secret.CANARY_KEY", with: "$secret.CANARY_KEY$secret.NOWHERE"),
            good.replacing("$secret.CANARY_KEY", with: " $secret.CANARY_KEY"),
            good.replacing("\"hmacSha256\"", with: "\"$secret.CANARY_HASH\""),
            good.replacing("\"name\"", with: "$secret.CANARY_KEY"),
            good.replacing("}}}}}", with: "}}}}} $secret.CANARY_KEY"),
        ]
        for text in faults {
            try Data(text.utf8).write(to: URL(filePath: path))
            let event = #"{"name":"page view","user":{"id":"u"}}"#
            for (arguments, input) in [
                (["validate", path], ""), (["simulate", path, "--event", "-"], event), (["test", path], ""),
            ] {
                let end = try await DaemonProcess.run(arguments, input: input, environment: Self.environment)
                expectNoSecret(in: [end.output, end.errors])
            }
        }
    }
}
