import Glibc
import Synchronization
import Testing

@testable import DurableLog

/// Random actions on a disk that loses power at any moment, compared with plain arrays.
///
/// `LOG_SEED` and `LOG_SEED_COUNT` choose the seeds; a failure names its own.
@Suite("Crash model")
struct CrashModelTests {
    static let seeds: Range<UInt64> = {
        let first = getenv("LOG_SEED").flatMap { UInt64(String(cString: $0)) } ?? 1
        let count = getenv("LOG_SEED_COUNT").flatMap { UInt64(String(cString: $0)) } ?? 150
        return first..<first + count
    }()

    @Test("what was acknowledged is there after any loss of power, whole, and nothing else")
    func crashes() async throws {
        for seed in Self.seeds {
            var run = CrashRun(seed: seed)
            if let failure = await run.run() {
                Issue.record("seed \(seed): \(failure)")
                return
            }
        }
    }
}

/// One seed's lives of a store.
struct CrashRun {
    private let machine = SimulatedMachine()
    private var random: SeededGenerator
    private var reference = ReferenceStore()
    private var messageNumber = 0
    private var history: [String] = []

    init(seed: UInt64) { random = SeededGenerator(seed: seed) }

    struct Difference: Error, CustomStringConvertible {
        let description: String
    }

    mutating func run() async -> String? {
        do {
            for life in 0..<6 { try await live(life) }
            return nil
        } catch {
            return "\(error)\n" + history.suffix(40).joined(separator: "\n")
        }
    }

    private mutating func live(_ life: Int) async throws {
        // Sometimes the power goes while the store is being opened.
        if Int.random(in: 0..<4, using: &random) == 0 {
            machine.disk.dieAfter(operations: Int.random(in: 0..<12, using: &random))
            if let store = try? machine.open() { store.abandon() }
            machine.disk.losePower(&random)
        }
        let store: DurableStreamStore
        do { store = try machine.open() } catch { throw Difference(description: "life \(life): \(error)") }
        if !store.damage.isEmpty, store.damage.contains(where: { !$0.what.hasPrefix("cut:") }) {
            store.abandon()
            throw Difference(description: "life \(life): damage \(store.damage)")
        }
        history.append("life \(life), recovered \(store.recovery.replayedFrameCount)")
        machine.disk.dieAfter(operations: Int.random(in: 0..<80, using: &random))
        /// What the store may be after each action that was not refused, the first as of the last acknowledged one.
        var candidates = [reference]
        for _ in 0..<40 where !machine.disk.isDead {
            if Int.random(in: 0..<12, using: &random) == 0 {
                history.append("maintain")
                try? await store.maintain()
                continue
            }
            let burst = (0..<Int.random(in: 1...4, using: &random)).map { _ in action(candidates) }
            try await perform(burst, on: store, &candidates)
        }
        store.abandon()
        machine.disk.losePower(&random)
        let again: DurableStreamStore
        do { again = try machine.open() } catch { throw Difference(description: "life \(life): \(error)") }
        let found = await Self.contents(of: again)
        again.abandon()
        machine.disk.losePower(&random)
        guard let match = candidates.last(where: { Self.visible($0) == found }) else {
            throw Difference(
                description:
                    "life \(life): found \(found)\nacknowledged \(Self.visible(candidates[0]))\nof \(candidates.count); damage \(again.damage)"
            )
        }
        reference = match
    }

    /// Does actions without waiting in between.
    private mutating func perform(
        _ burst: [ReferenceStore.Action],
        on store: DurableStreamStore,
        _ candidates: inout [ReferenceStore]
    ) async throws {
        var expected: [(action: ReferenceStore.Action, isPossible: Bool, after: ReferenceStore)] = []
        var now = candidates.last ?? reference
        let answers = Answers()
        for action in burst {
            let before = now
            let isPossible = now.apply(action)
            expected.append((action, isPossible, now))
            history.append("\(action) \(isPossible)")
            Self.start(action, before, on: store, answers, number: expected.count - 1)
        }
        let results = await answers.all(expected.count)
        for (index, step) in expected.enumerated() {
            switch results[index] {
            case .success where step.isPossible:
                candidates = [step.after]
            case .success:
                throw Difference(description: "\(step.action) was acknowledged, and is not possible")
            case .failure(.fenced), .failure(.storeClosed):
                candidates.append(step.after)
            case .failure(let error):
                guard !step.isPossible else { throw Difference(description: "\(step.action): \(error)") }
            case nil:
                throw Difference(description: "\(step.action): no answer")
            }
        }
    }

    private static func start(
        _ action: ReferenceStore.Action,
        _ before: ReferenceStore,
        on store: DurableStreamStore,
        _ answers: Answers,
        number: Int
    ) {
        func bytes(_ messages: [String], _ body: (UnsafeRawBufferPointer) -> Void) {
            messages.flatMap { Array($0.utf8) }.withUnsafeBytes(body)
        }
        switch action {
        case .create(let name, let messages):
            bytes(messages) {
                store.create(name, CreateOptions(messageByteCounts: messages.map(\.utf8.count)), initialBytes: $0) {
                    result in
                    answers.set(number, result.flatMap { $0.isNew ? .success(()) : .failure(.conflict) })
                }
            }
        case .append(let name, let messages, let closes):
            bytes(messages) {
                store.append(
                    $0,
                    to: name,
                    AppendOptions(messageByteCounts: messages.map(\.utf8.count), closes: closes)
                ) { answers.set(number, $0.map { _ in }) }
            }
        case .produce(let name, let id, let messages, let repeats):
            let next = before.sequence(name, id)
            let tuple = ProducerTuple(id: id, epoch: 0, sequence: repeats && next > 0 ? next - 1 : next)
            bytes(messages) {
                store.append(
                    $0,
                    to: name,
                    AppendOptions(messageByteCounts: messages.map(\.utf8.count), producer: tuple)
                ) { result in
                    answers.set(
                        number,
                        result.flatMap { $0.isRepetition == (repeats && next > 0) ? .success(()) : .failure(.conflict) }
                    )
                }
            }
        case .key(let name, let keys, let messages):
            let duplicateCount = before.duplicateCount(name, keys)
            bytes(messages) {
                store.append(
                    $0,
                    to: name,
                    AppendOptions(
                        messageByteCounts: messages.map(\.utf8.count),
                        keys: MessageKeys(keys.map { MessageKey(high: 0, low: $0) })
                    )
                ) { result in
                    answers.set(
                        number,
                        result.flatMap {
                            $0.duplicates.count == duplicateCount
                                ? .success(()) : .failure(.malformed("duplicates \($0.duplicates)"))
                        }
                    )
                }
            }
        case .delete(let name):
            store.delete(name) { answers.set(number, $0) }
        case .fork(let name, let source, let count):
            let offset = StreamOffset(position: before.streams[source]?.end(of: count) ?? 0)
            store.create(
                name,
                CreateOptions(origin: ForkOrigin(source: source, offset: offset)),
                initialBytes: UnsafeRawBufferPointer(start: nil, count: 0)
            ) { result in answers.set(number, result.flatMap { $0.isNew ? .success(()) : .failure(.conflict) }) }
        case .trim(let name, let count):
            let offset = StreamOffset(position: before.streams[name]?.end(of: count) ?? 0)
            store.trim(name, before: offset, messageCount: nil) { answers.set(number, $0) }
        }
    }

    private mutating func action(_ candidates: [ReferenceStore]) -> ReferenceStore.Action {
        func name() -> String { "stream \(Int.random(in: 0..<5, using: &random))" }
        func messages() -> [String] {
            (0..<Int.random(in: 1...4, using: &random)).map { _ in
                messageNumber += 1
                let length = Int.random(in: 0..<10, using: &random) == 0 ? 1500 : Int.random(in: 0..<60, using: &random)
                return "\(messageNumber)" + String(repeating: "x", count: length)
            }
        }
        switch Int.random(in: 0..<24, using: &random) {
        case 0...3: return .create(name(), Bool.random(using: &random) ? [] : messages())
        case 4...11: return .append(name(), messages(), closes: Int.random(in: 0..<15, using: &random) == 0)
        case 12...15:
            return .produce(
                name(),
                "p\(Int.random(in: 0..<2, using: &random))",
                messages(),
                repeats: Int.random(in: 0..<4, using: &random) == 0
            )
        case 16: return .delete(name())
        case 20...23:
            let keyed = messages()
            // Some of many keys, so that old ones come again, too.
            let keys = (0..<60).map { UInt64($0) }.shuffled(using: &random).prefix(keyed.count)
            return .key(name(), Array(keys), keyed)
        case 17, 18:
            let source = name()
            let count = candidates.last?.streams[source]?.messages.count ?? 0
            return .fork(name(), of: source, messages: Int.random(in: 0...count, using: &random))
        default:
            let trimmed = name()
            let count = candidates.last?.streams[trimmed]?.messages.count ?? 0
            return .trim(trimmed, messages: Int.random(in: 0...count, using: &random))
        }
    }

    /// What can be read of each stream.
    private static func contents(of store: DurableStreamStore) async -> [String: String] {
        var contents: [String: String] = [:]
        for number in 0..<5 {
            let name = "stream \(number)"
            switch store.status(of: name) {
            case .failure(let error): contents[name] = error == .deleted ? "deleted" : "absent"
            case .success(let status):
                do {
                    let texts = try await store.texts(name, from: status.earliest, pageByteCount: 700)
                    contents[name] =
                        "\(status.earliest.position)-\(status.tail.position) \(status.isClosed) \(Self.brief(texts))"
                } catch {
                    contents[name] = "\(error)"
                }
            }
        }
        return contents
    }

    /// Messages by their numbers and lengths.
    private static func brief(_ texts: [String]) -> String {
        texts.map { "\($0.prefix { $0 != "x" })+\($0.utf8.count)" }.joined(separator: " ")
    }

    private static func visible(_ reference: ReferenceStore) -> [String: String] {
        var contents: [String: String] = [:]
        for number in 0..<5 {
            let name = "stream \(number)"
            guard let stream = reference.streams[name] else {
                contents[name] = "absent"
                continue
            }
            let kept = Array(stream.messages.dropFirst(stream.trimmedCount))
            contents[name] =
                stream.isDeleted
                ? "deleted"
                : "\(stream.end(of: stream.trimmedCount))-\(stream.tail) \(stream.isClosed) \(Self.brief(kept))"
        }
        return contents
    }
}

/// Gathers answers that come on other threads.
final class Answers: Sendable {
    private struct State {
        var results: [Int: Result<Void, StreamStoreError>] = [:]
        var wanted = Int.max
        var waiting: CheckedContinuation<Void, Never>?
    }

    private let state = Mutex(State())

    func set(_ number: Int, _ result: Result<Void, StreamStoreError>) {
        let waiting = state.withLock { state -> CheckedContinuation<Void, Never>? in
            state.results[number] = result
            guard state.results.count >= state.wanted else { return nil }
            let waiting = state.waiting
            state.waiting = nil
            return waiting
        }
        waiting?.resume()
    }

    /// Waits for so many.
    func all(_ count: Int) async -> [Int: Result<Void, StreamStoreError>] {
        await withCheckedContinuation { continuation in
            let isThere = state.withLock { state in
                state.wanted = count
                if state.results.count >= count { return true }
                state.waiting = continuation
                return false
            }
            if isThere { continuation.resume() }
        }
        return state.withLock { $0.results }
    }
}
