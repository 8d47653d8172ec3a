import CollectorTesting
import EventJSON
import Foundation
import TestSupport
import Testing

/// `collectord log`, `dead-letters` and `replay`, of a running daemon and in a directory.
@Suite("The tools of the log", .timeLimit(.minutes(2)))
struct LogToolsTests {
    private let directory: TemporaryDirectory
    private let redis: RedisServer
    private let flow: String
    private var data: String { directory.path + "/data" }
    private var admin: String { "unix:\(directory.path)/admin.sock" }

    init() throws {
        directory = try TemporaryDirectory()
        redis = try RedisServer()
        flow = directory.path + "/flow.json"
        let settings = #"{"redis":{"options":{"path":"\#(redis.socketPath)"},"streamKey":"events"}}"#
        try Data(
            #"""
            {"version":4,"flows":{"f":{
              "sources":{"http":{"package":"http"}},
              "destinations":{"redis":{"package":"redis","config":{"settings":\#(settings),
                "mapping":{"bad":{"event":{"settings":{"streamKey":"wrong"}}}}}}}}}}
            """#.utf8
        ).write(to: URL(filePath: flow))
        _ = try redis.probe().command("SET", "wrong", "no stream")
    }

    private func tool(_ arguments: [String]) async throws -> DaemonProcess.End {
        try await DaemonProcess.run(arguments)
    }

    private func lines(_ end: DaemonProcess.End) -> [String] {
        end.output.split(separator: "\n").map(String.init)
    }

    /// Waits until a stream has that many entries.
    private func entries(_ stream: String, count: Int) async throws -> Int {
        try await BlockingWork.run {
            let probe = try redis.probe()
            var position = "0"
            var found = 0
            while found < count {
                let reply = try probe.command("XREAD", "BLOCK", "10000", "STREAMS", stream, position)
                let entries = reply.elements.first?.elements[1].elements ?? []
                guard let last = entries.last?.elements[0].text else { break }
                position = last
                found += entries.count
            }
            return found
        }
    }

    private func letterCount(_ place: [String]) async throws -> Int {
        let end = try await tool(["dead-letters", "list", "--destination", "redis"] + place)
        #expect(end.code == 0, "\(end.errors)")
        return lines(end).count { $0.contains("WRONGTYPE") }
    }

    @Test("a running daemon's log is listed, read, replayed; its dead letters are shown, tried again and dropped")
    func running() async throws {
        let daemon = try await DaemonProcess.start(
            ["run", flow, "--port", "0", "--data-dir", data, "--admin", admin]
        )
        let body = #"[{"name":"a b","id":"1"},{"name":"a b","id":"2"},{"name":"bad event","id":"3"}]"#
        #expect(try await HTTPExchange.post(body, port: daemon.port).status == 200)
        #expect(try await entries("events", count: 2) == 2)
        await daemon.errorLines(containing: "Push failed", count: 1)
        let place = ["--admin", admin]

        let tail = lines(try await tool(["log", "tail", "--count", "2"] + place))
        let messages = try tail.map { try JSONValue(jsonText: $0) }
        #expect(messages.map { $0["message"]["id"] } == ["2", "3"])
        #expect(lines(try await tool(["log", "dump", "--from", "2020-01-01T00:00:00Z"] + place)).count == 3)
        #expect(lines(try await tool(["log", "dump", "--from", "2120-01-01T00:00:00Z"] + place)).isEmpty)
        #expect(try await tool(["log", "list"] + place).output.contains("collector/events"))

        let second = try #require(messages[0]["offset"].string)
        let replay = try await tool(["replay", "--destination", "redis", "--from", "0", "--to", second] + place)
        #expect(replay.code == 0, "\(replay.errors)")
        #expect(try await entries("events", count: 4) == 4)

        #expect(try await letterCount(place) == 1)
        let list = try await tool(["dead-letters", "list", "--destination", "redis"] + place)
        let offset = try #require(list.output.split(separator: " ").first)
        let shown = try await tool(["dead-letters", "show", String(offset), "--destination", "redis"] + place)
        #expect(try JSONValue(jsonText: shown.output)["event"]["id"] == "3")
        _ = try redis.probe().command("DEL", "wrong")
        #expect(try await tool(["dead-letters", "replay", "--destination", "redis"] + place).code == 0)
        #expect(try await entries("wrong", count: 1) == 1)
        await daemon.errorLines(containing: "delivered once more", count: 2)
        #expect(try await letterCount(place) == 0)

        let unknown = try await tool(["replay", "--destination", "x", "--from", "0"] + place)
        #expect(unknown.code == 1 && unknown.errors.contains("no destination \"x\""))
        #expect(try await tool(["log", "list", "--data-dir", data]).errors.contains("in use by process"))
        #expect(await daemon.stop().code == 0)
    }

    @Test("in a directory: what is asked for is noted, and the next daemon does it")
    func stopped() async throws {
        let arguments = ["run", flow, "--port", "0", "--data-dir", data]
        let daemon = try await DaemonProcess.start(arguments)
        let body = #"[{"name":"a b","id":"1"},{"name":"bad event","id":"2"},{"name":"bad event","id":"3"}]"#
        #expect(try await HTTPExchange.post(body, port: daemon.port).status == 200)
        await daemon.errorLines(containing: "Push failed", count: 2)
        #expect(await daemon.stop().code == 0)
        let place = ["--data-dir", data]

        #expect(try await letterCount(place) == 2)
        let list = try await tool(["dead-letters", "list", "--destination", "redis"] + place)
        let first = try #require(list.output.split(separator: " ").first)
        let drop = ["dead-letters", "drop", "--destination", "redis", "--to", String(first)]
        #expect(try await tool(drop + place).code == 0)
        #expect(try await letterCount(place) == 1)
        #expect(try await tool(["replay", "--destination", "redis", "--from", "0"] + place).code == 0)
        #expect(
            try await tool(["replay", "--destination", "redis", "--from", "0"] + place).errors.contains("under way")
        )
        _ = try redis.probe().command("DEL", "wrong")
        #expect(try await tool(["dead-letters", "replay", "--destination", "redis"] + place).code == 0)

        let check = try await tool(["log", "check"] + place)
        #expect(check.code == 0 && check.output.contains("messages"), "\(check.output)")
        let copy = directory.path + "/copy"
        #expect(try await tool(["log", "salvage", "--to", copy] + place).code == 0)
        #expect(lines(try await tool(["log", "dump", "--data-dir", copy])).count == 3)

        let next = try await DaemonProcess.start(arguments)
        #expect(try await entries("events", count: 2) == 2)
        // Both from the replay, one of them from the dead letters as well.
        let count = try await entries("wrong", count: 3)
        let end = await next.stop()
        #expect(count == 3, "\(end.errors)")
        #expect(end.code == 0, "\(end.code): \(end.errors)")
        #expect(try await letterCount(place) == 0)
    }

    @Test(
        "tail --follow prints events as they are accepted, and ends at SIGINT, or when nobody reads, or with the daemon"
    )
    func following() async throws {
        let daemon = try await DaemonProcess.start(
            ["run", flow, "--port", "0", "--data-dir", data, "--admin", admin]
        )
        func post(_ id: String) async throws {
            let body = #"{"name":"a b","id":"\#(id)"}"#
            #expect(try await HTTPExchange.post(body, port: daemon.port).status == 200)
        }
        try await post("before")
        try await post("first")
        let follow = ["log", "tail", "--follow", "--count", "1", "--admin", admin]
        let follower = try DaemonProcess.begin(follow)
        let other = try DaemonProcess.begin(follow)
        for command in [follower, other] { #expect(await command.outputLine(containing: "first") != nil) }
        try await post("second")
        for command in [follower, other] { #expect(await command.outputLine(containing: "second") != nil) }
        let end = await follower.interrupt()
        #expect(end.code == 0 && end.errors.isEmpty, "\(end.code) \(end.errors)")
        let ids = try lines(end).map { try JSONValue(jsonText: $0)["message"]["id"] }
        #expect(ids == ["first", "second"])

        // The pipe is closed while nothing comes.
        let piped = try await DaemonProcess.run(follow, wrapper: ["sh", "-c", #""$0" "$@" | head -n 1"#])
        #expect(piped.code == 0 && piped.errors.isEmpty && lines(piped).count == 1, "\(piped.errors)")

        let unknown = try await tool(["log", "tail", "--follow", "--stream", "x", "--admin", admin])
        #expect(unknown.code == 1 && unknown.errors.contains("x: there is no such stream"))
        #expect(await daemon.stop().code == 0)
        #expect(await other.ended().code == 1)
        let directory = try await tool(["log", "tail", "--follow", "--data-dir", data])
        #expect(directory.code == 1)
        #expect(directory.errors.contains("what a running daemon writes: name its admin door with --admin ADDRESS"))
    }
}
