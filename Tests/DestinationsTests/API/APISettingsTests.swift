import Collector
import EventJSON
import Testing

@testable import Destinations

@Suite("api: settings")
struct APISettingsTests {
    private func problems(_ more: JSONObject) -> [String] {
        var settings: JSONObject = ["url": "https://a.example/in"]
        for member in more { settings[member.name] = member.value }
        var problems = ConfigurationProblems()
        _ = DestinationType.api.make(.object(settings), ["s"], &problems)
        return problems.list.map(\.description)
    }

    @Test("what cannot be honoured is refused, with the place")
    func refusals() {
        let cases: [(JSONObject, String)] = [
            (["url": 1], "s.url: \"url\" is required: an http or https URL"),
            (["url": "http://169.254.169.254/latest"], "s.url: 169.254.169.254 tells machines their credentials"),
            (["url": "http://10.0.0.1/", "network": "public"], "s.url: 10.0.0.1 is private, not public"),
            (["network": "private"], "s.network: is one of any, public"),
            (["method": "TRACE"], "s.method: is a method such as POST"),
            (["method": "GET\r\n"], "s.method: is a method such as POST"),
            (["headers": ["a"]], "s.headers: is an object"),
            (["headers": ["A": 1]], "s.headers.A: a header field is text"),
            (["headers": ["A b": "x"]], "s.headers.A b: a header field's name"),
            (["headers": ["{{data.x}}": "x"]], "s.headers.{{data.x}}: a header field's name"),
            (["headers": ["A": "x\r\nB: y"]], "s.headers.A: the value of a header field holds a control character"),
            (["headers": ["Host": "x"]], "s.headers.Host: the client writes this header field itself"),
            (["headers": ["content-length": "1"]], "s.headers.content-length: the client writes this header field"),
            (["headers": ["A": "1", "a": "2"]], "s.headers.a: stands here twice"),
            (["headers": ["A": "{{data.x"]], "s.headers.A: a \"{{\" is not closed"),
            (["headers": ["A": "{{data.x|\n}}"]], "s.headers.A: the value of a header field holds a control"),
            (["timeout": 0], "s.timeout: is a whole number from 1 to 600000"),
            (["concurrency": 0], "s.concurrency: is a whole number from 1 to 256"),
            (["maxConnections": 257], "s.maxConnections: is a whole number from 1 to 256"),
            (["body": "all"], "s.body: is one of data, event"),
            (["body": "data", "bodyTemplate": "{}"], "s.bodyTemplate: stands beside \"body\""),
            (["bodyTemplate": "{"], "s.bodyTemplate: is not JSON when its placeholders are filled"),
            (["batchBody": "csv"], "s.batchBody: is \"array\", \"ndjson\" or"),
            (["batchBody": ["member": ""]], "s.batchBody: is \"array\", \"ndjson\" or"),
            (["batchBody": ["member": "a", "b": "c"]], "s.batchBody: is \"array\", \"ndjson\" or"),
            (["idempotencyKey": "yes"], "s.idempotencyKey: is true or false"),
            (["dangerouslyAllowMetadata": 1], "s.dangerouslyAllowMetadata: is true or false"),
            (["tls": true], "s.tls: is an object with ca, cert"),
            (["url": "http://a/", "tls": [:]], "s.tls: \"tls\" is for an https URL"),
            (["tls": ["ca": "ca.pem"]], "s.tls.ca: is PEM, beginning with -----BEGIN, or the absolute path"),
            (["tls": ["ca": "-----BEGIN nonsense"]], "s.tls: tls.ca holds no certificate in PEM"),
            (["tls": ["key": "/k.pem"]], "s.tls.key: stands without \"cert\""),
            (["tls": ["servername": "a b"]], "s.tls.servername: the host is a name"),
            (["tls": ["servername": "10.0.0.1"]], "s.tls.servername: is a name, not an address"),
            (["tls": ["rejectUnauthorized": false]], "s.tls.rejectUnauthorized: unknown member of the settings of tls"),
            (["transform": "x"], "s.transform: unknown member of the settings of an api destination"),
        ]
        for (settings, expected) in cases {
            let found = problems(settings)
            #expect(found.count == 1 && found.first?.hasPrefix(expected) == true, "\(expected) – \(found)")
        }
    }

    @Test("no problem repeats what may be a secret")
    func secrets() {
        let found = problems([
            "url": "https://user:SECRET@a/", "headers": ["A": "SECRET\n", "B\n": "SECRET"],
            "tls": ["key": "SECRET", "cert": "-----BEGIN SECRET", "ca": "SECRET"], "batchBody": "SECRET",
            "bodyTemplate": "SECRET",
        ])
        #expect(found.count >= 7)
        #expect(!found.joined().contains("SECRET"))
    }

    @Test("metadata can be allowed, in so many words")
    func metadata() {
        #expect(problems(["url": "http://169.254.169.254/", "dangerouslyAllowMetadata": true]).isEmpty)
    }

    @Test("defaults")
    func defaults() throws {
        let settings = try apiSettings(["url": "https://a/"])
        #expect(settings.method == "POST")
        #expect(settings.timeoutMilliseconds == 5000)
        #expect(settings.batchBody == .array)
        #expect(settings.sendsIdempotencyKey)
        #expect(settings.guarding.network == .any)
        #expect(!settings.guarding.allowsMetadata)
        #expect(settings.maximumConnectionCount == 8)
        #expect(settings.concurrency == 1)
    }

    @Test("a destination made by a program throws the first problem")
    func program() {
        #expect(throws: ConfigurationProblem.self) { try APIDestination(settings: ["url": "ftp://a"]) }
        #expect(throws: Never.self) { try APIDestination(settings: ["url": "https://a"]) }
    }
}
