import CollectorTesting
import EventJSON
import Foundation
import HTTPServer
import Logging
import NIOCore
import NIOHTTP1
import Synchronization
import TestSupport
import Testing

/// Pages in a real browser send events to a running daemon, as walkerOS's web destination "api" does it.
@Suite("Browsers", .timeLimit(.minutes(2)))
struct BrowserTests {
    /// A page that sends by fetch, XMLHttpRequest and sendBeacon, then leaves, and sends once more while it does.
    ///
    /// It asks what the daemon answered, and says so in events of its own.
    private static func page(collect: String, credentials: String) -> String {
        #"""
        <!doctype html><title>shop</title><script>
        document.cookie = "session=kept; path=/";
        const url = "\#(collect)";
        const event = (name, data) => JSON.stringify({ name, data });
        const send = (body) => fetch(url, {
          method: "POST", body, keepalive: true, credentials: "\#(credentials)",
          headers: { "Content-Type": "application/json; charset=utf-8" }
        });
        const request = (body) => new Promise((done) => {
          const xhr = new XMLHttpRequest();
          xhr.open("POST", url);
          xhr.withCredentials = "\#(credentials)" === "include";
          xhr.setRequestHeader("Content-Type", "application/json; charset=utf-8");
          xhr.onloadend = () => done(xhr);
          xhr.send(body);
        });
        addEventListener("pagehide", () => navigator.sendBeacon(url, event("page hide", {})));
        (async () => {
          try {
            const answer = await send(event("page fetch", { title: "Ümläut ✓" }));
            const text = await answer.json();
            await send(event("answer fetch", { status: answer.status, success: text.success }));
            const xhr = await request(event("page xhr", {}));
            await send(event("answer xhr", { status: xhr.status, success: JSON.parse(xhr.responseText).success }));
            const queued = navigator.sendBeacon(url, event("page beacon", {}));
            await send(event("answer beacon", { queued, cookie: document.cookie }));
          } catch (error) {
            document.title = String(error);
          }
          location = "/left";
        })();
        </script>
        """#
    }

    /// A web server with the page, on an origin of its own.
    private static func shop(_ collect: @escaping @Sendable () -> String, credentials: String) async throws
        -> HTTPServer
    {
        var router = HTTPRouter(matching: .exact)
        router.on(
            .GET,
            "/",
            HTTPResponseHandler { _ in
                HTTPResponse(
                    status: .ok,
                    headers: ["Content-Type": "text/html; charset=utf-8"],
                    body: ByteBuffer(string: page(collect: collect(), credentials: credentials))
                )
            }
        )
        let server = HTTPServer(
            configuration: HTTPServerConfiguration(listeners: [.tcp(host: "127.0.0.1", port: 0)]),
            logger: Logger(label: "shop") { _ in SwiftLogNoOpLogHandler() },
            handler: router
        )
        try await server.start()
        return server
    }

    @Test("fetch, XMLHttpRequest and sendBeacon reach the daemon from another origin", arguments: ["omit", "include"])
    func sends(_ credentials: String) async throws {
        let directory = try TemporaryDirectory()
        let address = AddressBox()
        let shop = try await Self.shop({ address.collect }, credentials: credentials)
        let origin = "http://127.0.0.1:\(shop.boundAddresses.first?.port ?? 0)"
        // A page that sends credentials has to be named.
        let policy = credentials == "include" ? #"{"origin":["\#(origin)"],"credentials":true,"maxAge":600}"# : "true"
        let flow = directory.path + "/flow.json"
        let output = directory.path + "/out.jsonl"
        try Data(
            #"""
            {"version":4,"flows":{"f":{
              "sources":{"http":{"package":"http","config":{"settings":{"cors":\#(policy)}}}},
              "destinations":{"file":{"package":"file","config":{"settings":{"filename":"\#(output)"}}},
                "out":{"package":"console"}}}}}
            """#.utf8
        ).write(to: URL(filePath: flow))
        let daemon = try await DaemonProcess.start(["run", flow, "--port", "0"])
        address.collect = "http://127.0.0.1:\(daemon.port)/collect"
        let browser = try ChildProcess.spawn([
            // Should this test be killed, the browser does not stay.
            "timeout", "90", "chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic",
            "--no-first-run",
            "--disable-background-networking", "--disable-component-update", "--disable-sync",
            "--user-data-dir=\(directory.path)/browser", origin + "/",
        ])
        // The last one it sends.
        let last = await daemon.outputLine(containing: #"{"name":"page hide""#)
        kill(browser, SIGTERM)
        _ = await BlockingWork.run { ChildProcess.wait(for: browser) }
        await shop.shutdown()
        #expect(last != nil)
        #expect(await daemon.stop().code == 0)
        let text = try String(decoding: Data(contentsOf: URL(filePath: output)), as: UTF8.self)
        var events: [String: JSONValue] = [:]
        for line in text.split(separator: "\n") {
            let event = try JSONValue(jsonText: String(line))
            events[event["name"].string ?? ""] = event["data"]
        }
        #expect(text.split(separator: "\n").count == 7)
        #expect(events["page fetch"]?["title"] == "Ümläut ✓")
        #expect(events["answer fetch"] == ["status": 200, "success": true])
        #expect(events["page xhr"] == [:])
        #expect(events["answer xhr"] == ["status": 200, "success": true])
        #expect(events["page beacon"] == [:])
        #expect(events["answer beacon"] == ["queued": true, "cookie": "session=kept"])
        #expect(events["page hide"] == [:])
        withExtendedLifetime(directory) {}
    }

    /// Where the page sends to, once that is known.
    private final class AddressBox: Sendable {
        private let address = Mutex("")

        var collect: String {
            get { address.withLock { $0 } }
            set { address.withLock { $0 = newValue } }
        }
    }
}
