import Testing

@testable import RedisStreamsDestination

@Suite("Redis configuration")
struct RedisConfigurationTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let url: String
        let expected: String
        var username: String?
        var password: String?
        var testDescription: String { url }
    }

    private static let good = [
        Case(url: "redis://u", expected: "redis://u:6379/0"),
        Case(url: "redis://localhost", expected: "redis://localhost:6379/0"),
        Case(url: "redis://localhost:7000", expected: "redis://localhost:7000/0"),
        Case(url: "redis://localhost/", expected: "redis://localhost:6379/0"),
        Case(url: "redis://10.0.0.1:1/15", expected: "redis://10.0.0.1:1/15"),
        Case(url: "REDIS://h", expected: "redis://h:6379/0"),
        Case(url: "redis://[::1]:6380/2", expected: "redis://[::1]:6380/2"),
        Case(url: "redis://[fe80::1%eth0]", expected: "redis://[fe80::1%eth0]:6379/0"),
        Case(url: "redis://:secret@h", expected: "redis://<redacted>@h:6379/0", password: "secret"),
        Case(
            url: "redis://user:secret@h/3",
            expected: "redis://<redacted>@h:6379/3",
            username: "user",
            password: "secret"
        ),
        Case(url: "redis://user@h", expected: "redis://<redacted>@h:6379/0", username: "user"),
        Case(url: "redis://user:@h", expected: "redis://<redacted>@h:6379/0", username: "user", password: ""),
        Case(
            url: "redis://us%40er:p%3Aa%2Fs%23s%25%C3%BC@h",
            expected: "redis://<redacted>@h:6379/0",
            username: "us@er",
            password: "p:a/s#s%\u{FC}"
        ),
        Case(url: "redis://u:p@ss@h", expected: "redis://<redacted>@h:6379/0", username: "u", password: "p@ss"),
        Case(url: "redis://h?db=4", expected: "redis://h:6379/4"),
        Case(url: "redis://h/1?db=4", expected: "redis://h:6379/4"),
        Case(url: "unix:///run/redis.sock", expected: "unix:///run/redis.sock?db=0"),
        Case(url: "redis+unix:///run/redis.sock?db=7", expected: "unix:///run/redis.sock?db=7"),
        Case(url: "unix:///a%20b", expected: "unix:///a b?db=0"),
        Case(
            url: "unix://user:secret@/run/s",
            expected: "unix://<redacted>@/run/s?db=0",
            username: "user",
            password: "secret"
        ),
    ]

    @Test("urls", arguments: good)
    func goodURLs(_ good: Case) throws {
        let configuration = try RedisConfiguration(url: good.url)
        #expect(configuration.description == good.expected)
        #expect(configuration.username == good.username)
        #expect(configuration.password?.revealed == good.password)
    }

    @Test("options behind the question mark")
    func urlOptions() throws {
        let configuration = try RedisConfiguration(
            url: "redis://h?connectTimeout=1&commandTimeout=3600000&keepAlive=0&connectionName=web-1"
        )
        #expect(configuration.connectTimeout == .milliseconds(1))
        #expect(configuration.commandTimeout == .seconds(3_600))
        #expect(configuration.keepAlive == .zero)
        #expect(configuration.clientName == "web-1")
    }

    @Test("rediss urls, with what TLS needs after the question mark")
    func tlsURLs() throws {
        let plain = try RedisConfiguration(url: "rediss://u:p@h:7/2")
        #expect(plain.tls == RedisTLS())
        #expect(plain.endpoint == .tcp(host: "h", port: 7))
        #expect(plain.description == "rediss://<redacted>@h:7/2")
        let full = try RedisConfiguration(url: "rediss://h?ca=/a%20b.pem&cert=/c.pem&key=/k.pem&servername=n")
        #expect(full.tls?.authorities == .file("/a b.pem"))
        #expect(full.tls?.certificate == .file("/c.pem"))
        #expect(full.tls?.key == .file("/k.pem"))
        #expect(full.tls?.serverName == "n")
    }

    private static let bad: [(url: String, named: String)] = [
        ("", "scheme"), ("localhost:6379", "scheme"), ("6379", "scheme"), ("http://h", "scheme"),
        ("redis://h?ca=/hunter2", "rediss://"), ("rediss://h?key=hunter2", "absolute path"), ("redis://", "host"),
        ("redis://:6379", "host"),
        ("redis://:hunter2@", "host"), ("redis://h:", "port"), ("redis://h:0", "port"), ("redis://h:65536", "port"),
        ("redis://h:6379x", "port"), ("redis://h:-1", "port"), ("redis://h:+1", "port"), ("redis://a b", "host"),
        ("redis://h\r\n", "host"), ("redis://[::1", "bracket"), ("redis://[::1]x", "bracket"),
        ("redis://h/x", "database"), ("redis://h/-1", "database"), ("redis://h/0/1", "database"),
        ("redis://h?db=x", "db"), ("redis://h?db", "option"), ("redis://h?hunter2=1", "unknown option"),
        ("redis://h?commandTimeout=0", "commandTimeout"), ("redis://h?connectTimeout=3600001", "connectTimeout"),
        ("redis://h?connectionName=a%20b", "connectionName"), ("redis://u:hunter2%@h", "%25"),
        ("redis://u:hunter2%zz@h", "%25"), ("redis://u:hunter2%ff@h", "UTF-8"), ("redis://u:hunter2#@h", "fragment"),
        ("redis://u:hunter2?@h", "%3F"), ("redis://u:hunter2/@h", "port"),
        ("unix://host/path", "three slashes"), ("unix://", "path"), ("unix:///a%00b", "NUL"),
        ("unix:///" + String(repeating: "x", count: 200), "107 bytes"),
    ]

    @Test("wrong urls are refused with the remedy, and without the secret", arguments: bad)
    func badURLs(_ bad: (url: String, named: String)) {
        let error = #expect(throws: RedisError.self) { try RedisConfiguration(url: bad.url) }
        #expect(error?.message.contains(bad.named) == true, "\(error?.message ?? "")")
        #expect(error?.message.contains("hunter2") == false)
        #expect(error?.code == .invalidConfiguration || error?.code == .unsupported)
    }

    @Test("the password never shows itself")
    func redaction() throws {
        let configuration = try RedisConfiguration(url: "redis://alice:hunter2@h/1")
        var dumped = ""
        dump(configuration, to: &dumped)
        dump(configuration.password, to: &dumped)
        let texts = [
            "\(configuration)", String(describing: configuration), String(reflecting: configuration), dumped,
            "\(configuration.password.debugDescription)",
            String(describing: Mirror(reflecting: configuration).children),
            String(reflecting: configuration.password as Any), "\([configuration.password])",
        ]
        for text in texts {
            #expect(!text.contains("hunter2"))
            #expect(!text.contains("alice"))
        }
    }
}

@Suite("Handshake")
struct RedisHandshakeTests {
    private func makeHandshake(_ url: String) throws -> RedisHandshake {
        RedisHandshake(configuration: try RedisConfiguration(url: url))
    }

    @Test("what opens a connection")
    func commands() throws {
        let setName =
            "*3\r\n$6\r\nCLIENT\r\n$7\r\nSETNAME\r\n$10\r\ncollectord\r\n"
            + "*2\r\n$4\r\nINFO\r\n$6\r\nmemory\r\n*1\r\n$4\r\nPING\r\n"
        let cases: [(url: String, bytes: String, steps: [RedisHandshake.Step])] = [
            ("redis://h", setName, [.setName, .inspect, .ping]),
            ("redis://:p@h", "*2\r\n$4\r\nAUTH\r\n$1\r\np\r\n" + setName, [.authenticate, .setName, .inspect, .ping]),
            (
                "redis://u:p@h/5",
                "*3\r\n$4\r\nAUTH\r\n$1\r\nu\r\n$1\r\np\r\n*2\r\n$6\r\nSELECT\r\n$1\r\n5\r\n" + setName,
                [.authenticate, .select(database: 5), .setName, .inspect, .ping]
            ),
            (
                "redis://u@h", "*3\r\n$4\r\nAUTH\r\n$1\r\nu\r\n$0\r\n\r\n" + setName,
                [.authenticate, .setName, .inspect, .ping]
            ),
        ]
        for (url, bytes, steps) in cases {
            let handshake = try makeHandshake(url)
            #expect(String(decoding: handshake.bytes, as: UTF8.self) == bytes)
            #expect(handshake.steps == steps)
        }
    }

    private static let judgements: [(reply: String, step: RedisHandshake.Step, expected: String)] = [
        ("WRONGPASS invalid username-password pair or user is disabled.", .authenticate, "refused"),
        ("ERR Client sent AUTH, but no password is set", .authenticate, "refused"),
        ("ERR AUTH <password> called without any password configured for the default user", .authenticate, "refused"),
        ("ERR unknown command `AUTH`", .authenticate, "refused"),
        ("ERR max number of clients reached", .authenticate, "unavailable"),
        ("ERR max number of clients reached", .setName, "unavailable"),
        ("NOAUTH Authentication required.", .setName, "refused"),
        ("NOAUTH Authentication required.", .select(database: 1), "refused"),
        ("ERR DB index is out of range", .select(database: 99), "refused"),
        ("NOPERM this user has no permissions to run the 'select' command", .select(database: 1), "refused"),
        ("NOPERM this user has no permissions to run the 'client|setname' command", .setName, "accepted"),
        ("ERR unknown command `CLIENT`", .setName, "accepted"),
        ("LOADING Redis is loading the dataset in memory", .ping, "unavailable"),
        ("BUSY Redis is busy running a script.", .ping, "unavailable"),
        ("NOPERM this user has no permissions to run the 'ping' command", .ping, "accepted"),
        ("DENIED Redis is running in protected mode", .authenticate, "unavailable"),
    ]

    @Test("what the replies mean", arguments: judgements)
    func judges(_ judgement: (reply: String, step: RedisHandshake.Step, expected: String)) {
        let verdict =
            switch RedisHandshake.judge(.error(judgement.reply), of: judgement.step) {
            case .accepted: "accepted"
            case .refused: "refused"
            case .unavailable: "unavailable"
            }
        #expect(verdict == judgement.expected)
        #expect(RedisHandshake.judge(.status("OK"), of: judgement.step) == .accepted)
    }

    @Test("through Sentinel, only a primary is accepted; otherwise nobody asks")
    func roles() {
        var configuration = RedisConfiguration()
        configuration.sentinel = RedisSentinel(primaryName: "m", endpoints: [.tcp(host: "s", port: 26_379)])
        #expect(RedisHandshake(configuration: configuration).steps == [.setName, .role, .inspect, .ping])
        func verdict(_ role: String) -> RedisHandshake.Verdict {
            RedisHandshake.judge(.array([.bulk(Array(role.utf8)), .integer(1)]), of: .role)
        }
        #expect(verdict("master") == .accepted)
        for role in ["slave", "sentinel"] {
            guard case .unavailable = verdict(role) else {
                Issue.record("\(role) is accepted")
                continue
            }
        }
        #expect(RedisHandshake.judge(.error("NOPERM no"), of: .role) == .accepted)
        #expect(RedisHandshake.judge(.error("NOPERM no"), of: .inspect) == .accepted)
        configuration.inspectsServer = false
        #expect(RedisHandshake(configuration: configuration).steps == [.setName, .role, .ping])
    }

    @Test("the eviction policy is found in what INFO says")
    func evictionPolicy() {
        let text = "# Memory\r\nused_memory:1\r\nmaxmemory_policy:allkeys-lfu\r\nx:y\r\n"
        #expect(RedisEvictionPolicy(memoryInformation: text)?.name == "allkeys-lfu")
        #expect(RedisEvictionPolicy(memoryInformation: text)?.warning?.contains("noeviction") == true)
        #expect(RedisEvictionPolicy(memoryInformation: "maxmemory_policy:noeviction")?.warning == nil)
        for nothing in ["", "OK", "maxmemory:1\r\n"] {
            #expect(RedisEvictionPolicy(memoryInformation: nothing) == nil)
        }
    }

    @Test("an answer to AUTH that repeats the password is not repeated")
    func repeatedPassword() {
        let reply = RedisReply.error("ERR unknown command 'AUTH', with args beginning with: 'hunter2'")
        guard case .refused(let error) = RedisHandshake.judge(reply, of: .authenticate) else {
            Issue.record("not refused")
            return
        }
        #expect(!error.message.contains("hunter2"))
    }
}

@Suite("Text from the server")
struct RedisTextTests {
    @Test("is one line without control characters")
    func escapes() {
        #expect(
            RedisText.printable("ERR a\r\nb\tc\0\u{1B}[31m\u{7F}\u{202E}\\".utf8)
                == #"ERR a\r\nb\tc\u{0}\u{1b}[31m\u{7f}\u{202e}\\"#
        )
        #expect(RedisText.printable("Ger\u{E4}t \u{1F600}".utf8) == "Ger\u{E4}t \u{1F600}")
        #expect(RedisText.printable([0xFF, 0x41]) == "\u{FFFD}A")
    }

    @Test("is cut at 256 bytes")
    func cut() {
        let text = RedisText.printable([UInt8](repeating: 0x41, count: 257))
        #expect(text == String(repeating: "A", count: 256) + "...")
        #expect(RedisText.printable([UInt8](repeating: 0x41, count: 256)) == String(repeating: "A", count: 256))
    }

    @Test("loses the arguments that Redis repeats")
    func arguments() {
        let text = "ERR unknown command 'XADD', with args beginning with: 'stream' '*' 'event' '{\"user\":1}'"
        #expect(RedisText.printable(text.utf8) == "ERR unknown command 'XADD'")
    }
}

@Suite("Back-off")
struct RedisBackOffTests {
    @Test("doubles from 50 ms to 2 s, times the jitter")
    func doubles() {
        var backOff = RedisBackOff()
        let waits = (0..<8).map { _ in backOff.next(jitter: 1) }
        #expect(waits == [50, 100, 200, 400, 800, 1_600, 2_000, 2_000].map { .milliseconds($0) })
        for _ in 0..<1_000 { #expect(backOff.next(jitter: 0.25) == .milliseconds(500)) }
        backOff.reset()
        #expect(backOff.next(jitter: 1) == .milliseconds(50))
    }
}
