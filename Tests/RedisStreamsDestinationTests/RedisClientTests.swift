import CollectorTesting
import Logging
import Testing

@testable import RedisStreamsDestination

@Suite("Redis client against a real server", .timeLimit(.minutes(1)))
struct RedisClientTests {
    let server: RedisServer

    init() throws {
        server = try RedisServer()
    }

    private func makeClient(_ change: (inout RedisConfiguration) -> Void = { _ in }) throws -> RedisClient {
        var configuration = RedisConfiguration()
        configuration.endpoint = .unix(path: server.socketPath)
        change(&configuration)
        let client = try RedisClient(configuration: configuration, logger: .silent)
        try client.start()
        return client
    }

    @Test("a command gets its reply, of every kind")
    func replies() async throws {
        let client = try makeClient()
        #expect(try await client.command(["PING"]) == .status("PONG"))
        #expect(try await client.command(["SET", "k", "v\r\n\0%s"]) == .status("OK"))
        #expect(try await client.command(["GET", "k"]) == .bulk(Array("v\r\n\0%s".utf8)))
        #expect(try await client.command(["GET", "none"]) == .null)
        #expect(try await client.command(["STRLEN", "k"]) == .integer(6))
        #expect(try await client.command(["MGET", "k", "none"]) == .array([.bulk(Array("v\r\n\0%s".utf8)), .null]))
        let nested = try await client.command(["EVAL", "return {1,{'a',{}},2}", "0"])
        #expect(nested == .array([.integer(1), .array([.bulk([97]), .array([])]), .integer(2)]))
        guard case .error(let text) = try await client.command(["LPUSH", "k", "x"]) else {
            Issue.record("not an error")
            return
        }
        #expect(text.hasPrefix("WRONGTYPE"))
        try await client.quit()
    }
}
