import CollectorTesting
import Glibc
import Logging
import Synchronization

@testable import RedisStreamsDestination

/// A started client of a test's own server.
func makeClient(
    _ server: RedisServer,
    logger: Logger = .silent,
    _ change: (inout RedisConfiguration) -> Void = { _ in }
) throws -> RedisClient {
    try makeClient(server.socketPath, logger: logger, change)
}

/// A started client of a unix socket.
func makeClient(
    _ socketPath: String,
    logger: Logger = .silent,
    _ change: (inout RedisConfiguration) -> Void = { _ in }
) throws -> RedisClient {
    var configuration = RedisConfiguration()
    configuration.endpoint = .unix(path: socketPath)
    change(&configuration)
    let client = try RedisClient(configuration: configuration, logger: logger)
    try client.start()
    return client
}

extension RedisClient {
    /// Enqueues commands as one batch now; the replies can be awaited later.
    func begin(_ commands: [[String]]) throws(RedisError) -> Promise<RedisReplies> {
        let promise = Promise<RedisReplies>()
        try enqueue { encoder in
            for command in commands { encoder.command(command) }
        } completion: { replies in
            promise.fulfil(replies)
        }
        return promise
    }
}

/// A value that comes later, once.
final class Promise<Value: Sendable>: Sendable {
    private enum State {
        case empty([CheckedContinuation<Value, Never>])
        case fulfilled(Value)
    }

    private let state = Mutex(State.empty([]))

    func fulfil(_ value: Value) {
        let waiting = state.withLock { state -> [CheckedContinuation<Value, Never>] in
            guard case .empty(let waiting) = state else { return [] }
            state = .fulfilled(value)
            return waiting
        }
        for continuation in waiting { continuation.resume(returning: value) }
    }

    var value: Value {
        get async {
            await withCheckedContinuation { continuation in
                let value = state.withLock { state -> Value? in
                    switch state {
                    case .fulfilled(let value): return value
                    case .empty(let waiting):
                        state = .empty(waiting + [continuation])
                        return nil
                    }
                }
                if let value { continuation.resume(returning: value) }
            }
        }
    }
}

extension RESPProbe {
    /// The id of the connection with that name; nil when there is none.
    func clientID(named name: String) throws -> String? {
        let list = try command("CLIENT", "LIST").text ?? ""
        let line = list.split(separator: "\n").first { $0.contains(" name=\(name) ") }
        return line?.split(separator: " ").first.map(String.init)
    }
}

/// The processor time of one thread of this process.
enum ThreadTime {
    /// What the thread of that name used, in clock ticks of 10 ms; nil when there is no such thread.
    static func ticks(ofThread name: String) -> Int? {
        guard let folder = opendir("/proc/self/task") else { return nil }
        defer { closedir(folder) }
        while let entry = readdir(folder) {
            let thread = withUnsafeBytes(of: entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            guard text("/proc/self/task/\(thread)/comm") == name + "\n" else { continue }
            let fields = text("/proc/self/task/\(thread)/stat").split(separator: " ")
            return (Int(fields[13]) ?? 0) + (Int(fields[14]) ?? 0)
        }
        return nil
    }

    private static func text(_ path: String) -> String {
        guard let file = fopen(path, "r") else { return "" }
        defer { fclose(file) }
        var bytes = [UInt8](repeating: 0, count: 4_096)
        let count = fread(&bytes, 1, bytes.count, file)
        return String(decoding: bytes[..<count], as: UTF8.self)
    }
}
