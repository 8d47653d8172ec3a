import DurableLog
import HTTPServer
import NIOHTTP1

/// Messages of the log as they come: whoever asks is answered when there are some, or after a while without.
extension AdminServer {
    /// How long an answer waits for messages; less than a client waits for it.
    private static let patience = Duration.seconds(20)

    static func addFollowing(_ running: RunningFlow, to router: inout HTTPRouter) {
        router.on(
            .GET,
            "/log/next",
            HTTPRequestHandler { request, responder in
                let query = query(of: request.head)
                let waiting = Task {
                    let response = await response(running) { data in
                        guard let stream = query["stream"] else { throw CommandError("\"stream\" is missing") }
                        let offset = query["from"].flatMap { StreamOffset($0) } ?? .zero
                        try await wait(in: stream, after: offset, data)
                        return try await messages(data, stream, from: offset)
                    }
                    responder.respond(response)
                }
                // The client has gone, or the daemon ends: it must not wait for this.
                responder.onConnectionEvent { _ in waiting.cancel() }
            }
        )
    }

    /// Returns when there is something behind the offset, after a while, or when the task is cancelled.
    private static func wait(in stream: String, after offset: StreamOffset, _ data: DataDirectory) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                let outcome: WaitOutcome
                do throws(StreamStoreError) {
                    outcome = try await data.store.waitForData(in: stream, after: offset)
                } catch {
                    throw CommandError("\(stream): \(error)")
                }
                if case .closed = outcome { throw CommandError("\(stream): the stream is closed: nothing will come") }
            }
            group.addTask { try? await Task.sleep(for: patience) }
            defer { group.cancelAll() }
            try await group.next()
        }
    }
}
