/// Streams as anyone would write them down: arrays of texts in a dictionary. What the store is compared with.
struct ReferenceStore: Equatable {
    struct Stream: Equatable {
        var messages: [String] = []
        /// Messages at the front that were trimmed.
        var trimmedCount = 0
        var isClosed = false
        var isDeleted = false
        var parent: String?
        /// How many of its messages are its origin's.
        var inheritedCount = 0
        var nextSequence: [String: UInt64] = [:]
        var keys: Set<UInt64> = []

        var tail: UInt64 { messages.reduce(0) { $0 + UInt64($1.utf8.count) + 1 } }

        func end(of count: Int) -> UInt64 { messages.prefix(count).reduce(0) { $0 + UInt64($1.utf8.count) + 1 } }
    }

    enum Action: Equatable, CustomStringConvertible {
        case create(String, [String])
        case append(String, [String], closes: Bool)
        /// By a producer, with the next number or the last one again.
        case produce(String, String, [String], repeats: Bool)
        /// Messages with keys; those that were there are left out.
        case key(String, [UInt64], [String])
        case delete(String)
        case fork(String, of: String, messages: Int)
        case trim(String, messages: Int)

        var description: String {
            switch self {
            case .create(let name, let messages): "create \(name) \(messages.count)"
            case .append(let name, let messages, let closes):
                "append \(name) \(messages.map { $0.prefix(4) }) \(closes)"
            case .produce(let name, let id, let messages, let repeats):
                "produce \(name) \(id) \(messages.map { $0.prefix(4) }) \(repeats)"
            case .key(let name, let keys, _): "key \(name) \(keys)"
            case .delete(let name): "delete \(name)"
            case .fork(let name, let source, let count): "fork \(name) of \(source) at \(count)"
            case .trim(let name, let count): "trim \(name) \(count)"
            }
        }
    }

    private(set) var streams: [String: Stream] = [:]

    /// Applies an action; whether it was possible.
    mutating func apply(_ action: Action) -> Bool {
        switch action {
        case .create(let name, let messages):
            guard streams[name] == nil else { return false }
            streams[name] = Stream(messages: messages)
        case .append(let name, let messages, let closes):
            guard let stream = streams[name], !stream.isClosed, !stream.isDeleted else { return false }
            streams[name]?.messages += messages
            streams[name]?.isClosed = closes
        case .produce(let name, let id, let messages, let repeats):
            guard let stream = streams[name], !stream.isClosed, !stream.isDeleted else { return false }
            if repeats, stream.nextSequence[id] != nil { return true }
            streams[name]?.messages += messages
            streams[name]?.nextSequence[id, default: 0] += 1
        case .key(let name, let keys, let messages):
            guard let stream = streams[name], !stream.isClosed, !stream.isDeleted else { return false }
            for (key, message) in zip(keys, messages) where streams[name]?.keys.insert(key).inserted == true {
                streams[name]?.messages.append(message)
            }
        case .delete(let name):
            guard let stream = streams[name], !stream.isDeleted else { return false }
            streams[name]?.isDeleted = true
            sweep()
        case .fork(let name, let source, let count):
            guard streams[name] == nil, let origin = streams[source], !origin.isDeleted, count <= origin.messages.count,
                count >= origin.trimmedCount
            else { return false }
            var fork = Stream(messages: Array(origin.messages.prefix(count)))
            fork.trimmedCount = origin.trimmedCount
            fork.parent = source
            fork.inheritedCount = count
            streams[name] = fork
        case .trim(let name, let count):
            guard let stream = streams[name], !stream.isDeleted, count <= stream.messages.count else { return false }
            guard count > stream.trimmedCount else { return true }
            streams[name]?.trimmedCount = count
            trimForks(of: name, count)
        }
        return true
    }

    /// What an origin released its forks have not either, as far as they had it from there.
    private mutating func trimForks(of name: String, _ count: Int) {
        for (fork, stream) in streams where stream.parent == name {
            let inherited = min(count, stream.inheritedCount)
            if inherited > stream.trimmedCount {
                streams[fork]?.trimmedCount = inherited
                trimForks(of: fork, inherited)
            }
        }
    }

    private mutating func sweep() {
        while let gone = streams.first(where: { name, stream in
            stream.isDeleted && !streams.values.contains { $0.parent == name }
        }) {
            streams[gone.key] = nil
        }
    }

    /// How many of an append's keys are there already.
    func duplicateCount(_ name: String, _ keys: [UInt64]) -> Int {
        keys.count { streams[name]?.keys.contains($0) ?? false }
    }

    /// The next number of a producer.
    func sequence(_ name: String, _ id: String) -> UInt64 { streams[name]?.nextSequence[id] ?? 0 }
}
