import EventJSON
import Testing

@testable import Destinations

@Suite("api: the URL")
struct APIURLTests {
    private func problem(_ text: String) -> String? {
        do throws(APITemplate.Problem) {
            _ = try APIURL(text)
            return nil
        } catch {
            return error.description
        }
    }

    @Test(
        "parts",
        arguments: [
            ("http://a", "http://a", "a", "/"),
            ("HTTPS://Example.COM", "https://example.com", "example.com", "/"),
            ("https://a:443/x", "https://a", "a", "/x"),
            ("https://a:80/x", "https://a:80", "a:80", "/x"),
            ("http://a:80", "http://a", "a", "/"),
            ("http://a?b=c", "http://a", "a", "/?b=c"),
            ("http://a.b-c_d:8080/x/y?z=%20", "http://a.b-c_d:8080", "a.b-c_d:8080", "/x/y?z=%20"),
            ("http://127.0.0.1:1/", "http://127.0.0.1:1", "127.0.0.1:1", "/"),
            ("http://[::1]:81/x", "http://[::1]:81", "[::1]:81", "/x"),
            ("http://[2001:DB8:0::1]", "http://[2001:db8::1]", "[2001:db8::1]", "/"),
            ("http://a:/x", "http://a", "a", "/x"),
        ]
    )
    func parts(text: String, origin: String, host: String, target: String) throws {
        let url = try APIURL(text)
        #expect(url.origin() == origin)
        #expect(url.hostField() == host)
        #expect(try url.target(for: try event()) == target)
    }

    @Test(
        "what never is a URL of a web service",
        arguments: [
            "", "x", "ftp://a/", "file:///etc/passwd", "gopher://a", "http:/a", "//a", " http://a", "unix:///s",
        ]
    )
    func scheme(text: String) {
        #expect(problem(text) == "\"url\" is required: an http or https URL")
    }

    @Test(
        "placeholders, users and strange ports in front of the path",
        arguments: [
            ("http://{{data.x}}/", "a placeholder stands in the host"),
            ("http://a{{data.x}}", "a placeholder stands in the host"),
            ("http://a:{{data.x}}/", "a placeholder stands in the host"),
            ("http://{{data.x|a/b}}.example/", "a placeholder stands in the host"),
            ("http://{{user.id}}@a/", "a placeholder stands in the host"),
            ("http://user:pass@a/", "a user stands in front of the host"),
            ("http://a@b", "a user stands in front of the host"),
            ("http://a\\@b/", "a user stands in front of the host"),
            ("http://a:0/", "the port is a number"),
            ("http://a:65536/", "the port is a number"),
            ("http://a:+1/", "the port is a number"),
            ("http://a:1:2/", "the port is a number"),
            ("http://[::1]x/", "behind \"]\" comes a port"),
            ("http://[fe80::1%25eth0]/", "stands an IPv6 address without a zone"),
            ("http://[127.0.0.1]/", "stands an IPv6 address"),
            ("http://[]/", "stands an IPv6 address"),
            ("http://", "the host is a name"),
            ("http:///x", "the host is a name"),
            ("http://a b/", "the host is a name"),
            ("http://a..b/", "the host is a name"),
            ("http://a./", "the host is a name"),
            ("http://a%2eb/", "the host is a name"),
            ("http://bücher.example/", "the host is a name"),
            ("http://a\u{FF0E}b/", "the host is a name"),
            ("http://１２７.0.0.1/", "the host is a name"),
            ("http://a\\b/", "the host is a name"),
            ("http://::1/", "the host is a name"),
        ]
    )
    func authority(text: String, expected: String) {
        #expect(problem(text)?.contains(expected) == true, "\(problem(text) ?? "accepted")")
    }

    @Test(
        "other ways to write an IPv4 address",
        arguments: [
            "2130706433", "0x7f000001", "017700000001", "127.1", "127.0.1", "0177.0.0.1", "0x7f.0.0.1", "127.0.0.01",
            "256.0.0.1", "1.2.3.4.5", "0", "a.0x7f", "0x", "example.1",
        ]
    )
    func numbers(host: String) {
        #expect(problem("http://\(host)/") == "an address is written as four decimal numbers: 10.0.0.1")
    }

    @Test(
        "paths that mean something else than they say",
        arguments: [
            ("http://a/x#y", "a fragment (#) is never sent"),
            ("http://a/x y", "percent-encoded"),
            ("http://a/ü", "percent-encoded"),
            ("http://a/x}", "percent-encoded"),
            ("http://a/\r\n", "percent-encoded"),
            ("http://a/x\\y", "percent-encoded"),
            ("http://a/%", "two hexadecimal digits"),
            ("http://a/%2", "two hexadecimal digits"),
            ("http://a/%zz", "two hexadecimal digits"),
            ("http://a/../b", "the path has a step"),
            ("http://a/%2E./b", "the path has a step"),
            ("http://a/b/.", "the path has a step"),
        ]
    )
    func targets(text: String, expected: String) {
        #expect(problem(text)?.contains(expected) == true, "\(problem(text) ?? "accepted")")
    }

    @Test("steps that only a value completes")
    func completedSteps() throws {
        let url = try APIURL("http://a/x/.{{data.x|}}/z")
        #expect(try url.target(for: try event(["data": ["x": "a"]])) == "/x/.a/z")
        #expect(throws: APITemplate.Problem("the path has a step \".\" or \"..\" once it is filled")) {
            try url.target(for: try event())
        }
    }
}
