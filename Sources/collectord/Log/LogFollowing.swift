import DurableLog
import UnixSignals

/// Prints the messages of a stream as a running daemon writes them.
struct LogFollowing {
    let log: AdminLog
    let stream: String

    /// Prints what comes behind the offset, until SIGINT or SIGTERM, or until nobody reads it any more.
    func run(from offset: StreamOffset) async throws {
        let signals = await UnixSignalsSequence(trapping: .sigint, .sigterm)
        let ends = StandardOutput.endOfReading()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { for await _ in signals { return } }
            group.addTask { for await _ in ends { return } }
            group.addTask { try await follow(from: offset) }
            defer { group.cancelAll() }
            try await group.next()
        }
    }

    private func follow(from start: StreamOffset) async throws {
        var offset = start
        while true {
            let page = try await log.next(stream, from: offset)
            for message in page.messages { StandardOutput.writeLine(LogMessageText.line(message)) }
            offset = max(offset, page.next)
        }
    }
}
