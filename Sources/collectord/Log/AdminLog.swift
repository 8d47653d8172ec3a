import DurableLog
import EventJSON
import Foundation
import NIOHTTP1

/// The log of a running daemon, through its admin door.
struct AdminLog: LogAccess, LogChanges {
    let client: AdminClient

    init(_ address: AdminAddress) {
        client = AdminClient(address: address)
    }

    func streams() async throws -> [LogStream] {
        let answer = try await client.send(.GET, "/log/streams")
        guard answer.status == 200, let list = try? JSONValue(jsonText: answer.text).array else {
            throw Self.failure(answer)
        }
        return list.compactMap(LogMessageText.stream)
    }

    func read(_ stream: String, from offset: StreamOffset, maximumCount: Int) async throws -> LogPage {
        let query = "stream=\(Self.escaped(stream))&from=\(offset)&count=\(maximumCount)"
        return try await page("/log/messages?\(query)")
    }

    /// Messages behind an offset once there are some; none after a while without.
    func next(_ stream: String, from offset: StreamOffset) async throws -> LogPage {
        try await page("/log/next?stream=\(Self.escaped(stream))&from=\(offset)")
    }

    private func page(_ path: String) async throws -> LogPage {
        let answer = try await client.send(.GET, path)
        guard answer.status == 200, let page = LogMessageText.page(Array(answer.text.utf8)) else {
            throw Self.failure(answer)
        }
        return page
    }

    func replay(_ range: Range<UInt64>, to destination: String) async throws {
        try await post(
            "/log/replay?destination=\(Self.escaped(destination))&from=\(range.lowerBound)&to=\(range.upperBound)"
        )
    }

    func replayDeadLetters(before end: UInt64, of destination: String) async throws {
        try await post("/dead-letters/replay?destination=\(Self.escaped(destination))&to=\(end)")
    }

    func dropDeadLetters(before end: UInt64, of destination: String) async throws {
        try await post("/dead-letters/drop?destination=\(Self.escaped(destination))&to=\(end)")
    }

    func forget(_ destination: String) async throws {
        try await post("/log/forget?destination=\(Self.escaped(destination))")
    }

    func close() async {}

    private func post(_ path: String) async throws {
        let answer = try await client.send(.POST, path)
        guard answer.status == 200 else { throw Self.failure(answer) }
    }

    private static func failure(_ answer: (status: Int, text: String)) -> CommandError {
        let said = (try? JSONValue(jsonText: answer.text))?["error"].string
        return CommandError(said ?? "the daemon answered \(answer.status)")
    }

    private static func escaped(_ text: String) -> String {
        text.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? ""
    }
}
