import Collector
import CollectorTesting
import EventJSON
import InternetAddresses
import NIOCore
import NIOHTTP1
import TestSupport
import Testing

@testable import CollectorHTTP

@Suite("Client addresses")
struct ClientAddressTests {
    private func client(_ peer: String, _ fields: [String], trusting proxies: [String]) throws -> String? {
        var head = HTTPRequestHead(version: .http1_1, method: .POST, uri: "/collect")
        for field in fields { head.headers.add(name: "X-Forwarded-For", value: field) }
        let address =
            try peer == "unix"
            ? SocketAddress(unixDomainSocketPath: "/tmp/x") : SocketAddress(ipAddress: peer, port: 1)
        return try #require(TrustedProxies(proxies)).client(of: head, peer: address)?.description
    }

    @Test("nobody is believed unless trusted")
    func untrusted() throws {
        #expect(try client("203.0.113.7", ["10.0.0.1"], trusting: []) == "203.0.113.7")
        #expect(try client("203.0.113.7", ["10.0.0.1"], trusting: ["127.0.0.1"]) == "203.0.113.7")
        #expect(try client("unix", ["198.51.100.1"], trusting: ["127.0.0.1"]) == nil)
        #expect(try client("::ffff:203.0.113.7", [], trusting: []) == "203.0.113.7")
    }

    @Test("the client is the last address that no trusted proxy has; what stands before it may be invented")
    func trusted() throws {
        let proxies = ["127.0.0.1", "10.0.0.0/8", "2001:db8::/32", "unix"]
        for (fields, expected) in [
            (["198.51.100.1"], "198.51.100.1"),
            (["1.1.1.1, 198.51.100.1"], "198.51.100.1"),
            (["1.1.1.1, 198.51.100.1, 10.1.2.3"], "198.51.100.1"),
            (["1.1.1.1", "198.51.100.1", "10.1.2.3, 2001:db8::7"], "198.51.100.1"),
            (["198.51.100.1:4711, 10.0.0.1:80"], "198.51.100.1"),
            (["2a00::1"], "2a00::1"), (["[2a00::1]:80"], "2a00::1"), (["\"[2a00::1]\""], "2a00::1"),
            (["10.0.0.9, 10.0.0.8"], "10.0.0.9"),
            // What cannot be read, and all before it, is not believed.
            (["198.51.100.1, unknown, 10.0.0.8"], "10.0.0.8"), (["unknown"], "127.0.0.1"), ([""], "127.0.0.1"),
            ([], "127.0.0.1"),
        ] {
            #expect(try client("127.0.0.1", fields, trusting: proxies) == expected, "\(fields)")
        }
        #expect(try client("unix", ["198.51.100.1"], trusting: proxies) == "198.51.100.1")
        #expect(try client("::ffff:127.0.0.1", ["198.51.100.1"], trusting: proxies) == "198.51.100.1")
    }

    @Test(
        "proxies that are none",
        arguments: ["10.0.0.0/33", "10.0.0.0/-1", "10.0.0/8", "x", "", "::/129", "1.2.3.4/"]
    )
    func unusable(_ text: String) {
        #expect(TrustedProxies([text]) == nil)
        var source = HTTPSource(id: "http")
        let isTrusted = source.trust(proxies: [text])
        #expect(!isTrusted)
    }

    @Test("one address may send so much; others are not concerned; a forged field changes nothing")
    func rates() async throws {
        let time = ManualTime()
        for isTrusted in [false, true] {
            var source = HTTPSource(id: "http")
            source.maximumBatchCount = 1
            source.eventsPerSecondPerAddress = 2
            if isTrusted { _ = source.trust(proxies: ["127.0.0.1"]) }
            let server = try await IngestServer(source, time: time.collectorTime)
            func status(_ client: String) async throws -> Int {
                let fields = [("Content-Type", "application/json"), ("X-Forwarded-For", client)]
                let body = Array(#"{"name":"page view"}"#.utf8)
                let request = HTTPExchange.request("POST", "/collect", headers: fields, body: body)
                let answer = try await HTTPExchange.send(request, port: server.port)
                #expect(answer.status != 429 || answer.headers["retry-after"] == "1")
                return answer.status
            }
            #expect(try await status("198.51.100.1") == 200)
            #expect(try await status("198.51.100.1") == 200)
            #expect(try await status("198.51.100.1") == 429)
            #expect(try await status("198.51.100.2") == (isTrusted ? 200 : 429))
            time.advance(milliseconds: 500)
            #expect(try await status("198.51.100.1") == 200)
            await server.stop()
        }
    }

    @Test("a subscriber's network counts as one; few clients are remembered, the latest ones")
    func bounded() throws {
        let rates = AddressRates(eventsPerSecond: 1, burstCount: 1, generationCount: 10)
        func take(_ text: String) throws -> Int? {
            let address = try #require(IPAddress(text))
            return rates.take(1, from: address, nowMilliseconds: 0)
        }
        #expect(try take("2001:db8:0:1::1") == nil)
        #expect(try take("2001:db8:0:1:ffff::2") == 1)
        #expect(try take("2001:db8:0:2::1") == nil)
        for number in 0..<1000 {
            _ = try take("10.0.\(number / 250).\(number % 250)")
            // Who keeps coming is not forgotten for those who do not.
            #expect(try take("2001:db8:0:1::3") == 1)
        }
        #expect(rates.count <= 20)
        #expect(rates.take(1, from: nil, nowMilliseconds: 0) == nil)
        #expect(rates.take(1, from: nil, nowMilliseconds: 0) == 1)
    }

    @Test("steps may know the client's address")
    func ingest() {
        let head = HTTPRequestHead(version: .http1_1, method: .POST, uri: "/collect")
        var problems = ConfigurationProblems()
        let mapping = ValueMapping(["map": ["address": "ip"]], path: [], problems: &problems)
        let ingest = RequestScope.ingest(mapping, of: head, client: IPAddress(10, 0, 0, 1), nowMilliseconds: 0)
        #expect(ingest?.value["address"] == "10.0.0.1")
    }
}
