import Collector
import DurableLog
import EventJSON
import EventLog

/// A stream of the log, as the tools show it.
struct LogStream {
    let name: String
    let earliest: StreamOffset
    let tail: StreamOffset
    let messageCount: Int
    let cursors: [String: StreamOffset]
}

/// A message of the log.
struct LogMessage {
    /// The offset behind it: its name, and where to read on.
    let end: StreamOffset
    let milliseconds: Int
    /// Its JSON text.
    let text: [UInt8]
}

/// Some messages, in order.
struct LogPage {
    let messages: [LogMessage]
    let next: StreamOffset
    let isUpToDate: Bool
}

/// A log that tools look at: in a directory that no daemon uses, or through a running daemon's admin door.
protocol LogAccess: Sendable {
    func streams() async throws -> [LogStream]
    /// At most so many messages behind an offset.
    func read(_ stream: String, from offset: StreamOffset, maximumCount: Int) async throws -> LogPage
}

/// Changes of a log: of a running daemon, or noted in a directory for the next one.
protocol LogChanges: Sendable {
    /// Delivers events once more.
    func replay(_ range: Range<UInt64>, to destination: String) async throws
    /// Tries dead letters before a position once more.
    func replayDeadLetters(before end: UInt64, of destination: String) async throws
    /// Forgets dead letters before a position.
    func dropDeadLetters(before end: UInt64, of destination: String) async throws
    /// Keeps events no longer for a destination that is gone.
    func forget(_ destination: String) async throws
    /// Ends the access.
    func close() async
}

extension LogAccess {
    /// The stream of that name.
    func stream(_ name: String) async throws -> LogStream {
        guard let stream = try await streams().first(where: { $0.name == name }) else {
            throw CommandError("\(name): there is no such stream; `collectord log list` shows those there are")
        }
        return stream
    }

    /// The offset before the first message that was written at that time or later.
    func offset(atMilliseconds milliseconds: Int, in stream: LogStream) async throws -> StreamOffset {
        var (low, high) = (stream.earliest.position, stream.tail.position)
        while low < high {
            let middle = low + (high - low) / 2
            let page = try await read(stream.name, from: StreamOffset(position: middle), maximumCount: 1)
            guard let message = page.messages.first, message.end.position <= high else {
                high = middle
                continue
            }
            if message.milliseconds >= milliseconds { high = middle } else { low = message.end.position }
        }
        return StreamOffset(position: low)
    }
}

/// What both sides of the admin door agree on.
enum LogMessageText {
    static func json(_ status: StreamStatus) -> JSONValue {
        var cursors = JSONObject()
        for (name, offset) in status.cursors.sorted(by: { $0.key < $1.key }) { cursors[name] = .string("\(offset)") }
        return [
            "name": .string(status.name), "earliest": .string("\(status.earliest)"), "tail": .string("\(status.tail)"),
            "messages": .number(JSONNumber(Int(clamping: status.messageCount))), "cursors": .object(cursors),
        ]
    }

    static func stream(_ value: JSONValue) -> LogStream? {
        guard let name = value["name"].string, let earliest = value["earliest"].string.flatMap(StreamOffset.init),
            let tail = value["tail"].string.flatMap(StreamOffset.init)
        else { return nil }
        var cursors: [String: StreamOffset] = [:]
        for member in value["cursors"].object ?? [:] {
            cursors[member.name] = member.value.string.flatMap { StreamOffset($0) }
        }
        return LogStream(
            name: name,
            earliest: earliest,
            tail: tail,
            messageCount: value["messages"].number?.integer ?? 0,
            cursors: cursors
        )
    }

    /// A page's first messages, as lines of JSON: `{"offset", "time", "message"}`, and a last line `{"next", "upToDate"}`.
    static func lines(_ page: LogPage) -> [UInt8] {
        var bytes: [UInt8] = []
        for message in page.messages {
            bytes += line(message)
            bytes.append(UInt8(ascii: "\n"))
        }
        let end: JSONValue = ["next": .string("\(page.next)"), "upToDate": .bool(page.isUpToDate)]
        return bytes + end.jsonText + [UInt8(ascii: "\n")]
    }

    /// A message as a line without its end.
    static func line(_ message: LogMessage) -> [UInt8] {
        Array(#"{"offset":"\#(message.end)","time":\#(message.milliseconds),"message":"#.utf8) + message.text
            + [UInt8(ascii: "}")]
    }

    static func page(_ bytes: [UInt8]) -> LogPage? {
        var messages: [LogMessage] = []
        for line in bytes.split(separator: UInt8(ascii: "\n")) {
            guard let value = try? JSONValue(jsonText: Array(line), limits: .unbounded) else { return nil }
            if let next = value["next"].string.flatMap(StreamOffset.init) {
                return LogPage(messages: messages, next: next, isUpToDate: value["upToDate"].isTruthy)
            }
            guard let end = value["offset"].string.flatMap(StreamOffset.init) else { return nil }
            let time = value["time"].number?.integer ?? 0
            messages.append(LogMessage(end: end, milliseconds: time, text: value["message"].jsonText))
        }
        return nil
    }

    /// The first messages of a page of the store.
    static func page(_ page: StreamPage, maximumCount: Int) -> LogPage {
        let messages = page.messages.prefix(maximumCount)
        return LogPage(
            messages: messages.map {
                LogMessage(
                    end: $0.end,
                    milliseconds: Int(clamping: $0.appendedMilliseconds),
                    text: Array(page.bytes(of: $0))
                )
            },
            next: messages.count < page.messages.count ? messages.last?.end ?? page.next : page.next,
            isUpToDate: page.isUpToDate && messages.count == page.messages.count
        )
    }
}
