import Collector
import DurableLog
import EventLog

/// The log in a directory that no daemon uses. Looking changes nothing there.
final class DirectoryLog: LogAccess {
    private let path: String
    private let inspector: StoreInspector

    init(path: String) throws {
        self.path = path
        do {
            inspector = try StoreInspector(directory: path)
        } catch {
            throw CommandError("\(error); of a running daemon, ask through its admin door: --admin ADDRESS")
        }
    }

    func streams() async throws -> [LogStream] {
        inspector.streams().compactMap { LogMessageText.stream(LogMessageText.json($0)) }
    }

    func read(_ stream: String, from offset: StreamOffset, maximumCount: Int) async throws -> LogPage {
        do {
            return LogMessageText.page(try page(stream, offset), maximumCount: maximumCount)
        } catch {
            throw CommandError("\(stream): \(error)")
        }
    }

    private func page(_ stream: String, _ offset: StreamOffset) throws(StreamStoreError) -> StreamPage {
        switch inspector.read(stream, from: offset, maximumByteCount: 1 << 20) {
        case .success(let page): return page
        case .failure(.gone(let earliest)):
            return try inspector.read(stream, from: earliest, maximumByteCount: 1 << 20).get()
        case .failure(let error): throw error
        }
    }
}

/// The log in a directory that no daemon uses, for changes: what is asked for is noted, and done by the next daemon.
final class DirectoryChanges: LogChanges {
    private let store: DurableStreamStore
    private let log: EventLog

    init(path: String) async throws {
        do {
            store = try DurableStreamStore(directory: path)
        } catch {
            throw CommandError("\(error); of a running daemon, ask through its admin door: --admin ADDRESS")
        }
        do {
            log = try await EventLog(store: store)
        } catch {
            await store.close()
            throw CommandError("\(path): \(error)")
        }
    }

    func replay(_ range: Range<UInt64>, to destination: String) async throws {
        try await log.requestReplay(of: .events, range, to: destination)
    }

    func replayDeadLetters(before end: UInt64, of destination: String) async throws {
        try await log.requestReplay(of: .deadLetters(destination: destination), 0..<end, to: destination)
    }

    func dropDeadLetters(before end: UInt64, of destination: String) async throws {
        try await log.dropDeadLetters(before: end, of: destination)
    }

    func forget(_ destination: String) async throws {
        log.forget(destination)
    }

    func close() async {
        await store.close()
    }
}
