import Collector
import EventJSON
import Synchronization

/// Delivers one batch where the simple way does not do: to a cluster, as a single writer, or waiting for replicas.
///
/// ``RedisBatchProgress`` decides; this sends, on whatever thread has a reply.
final class RedisBatchRun: Sendable {
    private let report: RedisDeliveryReport
    private let nodes: any RedisNodes
    private let writer: RedisStreamsWriter
    private let ids: RedisEntryIDs?
    private let completion: @Sendable ([DeliveryOutcome]) -> Void
    private let progress: Mutex<RedisBatchProgress>

    private var settings: RedisStreamsSettings { report.settings }

    init(
        report: RedisDeliveryReport,
        nodes: any RedisNodes,
        writer: RedisStreamsWriter,
        ids: RedisEntryIDs?,
        completion: @escaping @Sendable ([DeliveryOutcome]) -> Void
    ) {
        self.report = report
        self.nodes = nodes
        self.writer = writer
        self.ids = ids
        self.completion = completion
        progress = Mutex(
            RedisBatchProgress(
                count: report.deliveries.count,
                isCluster: nodes.isCluster,
                isSingleWriter: ids != nil
            )
        )
    }

    /// Sends every event to the node that has its stream.
    func start() {
        write(Array(report.deliveries.indices), to: .owner)
        goOn()
    }

    /// Sends what is to be sent next; when all is settled, tells.
    private func goOn() {
        while true {
            let tasks = progress.withLock { $0.takeNext() }
            if tasks.isEmpty { break }
            for (task, indices) in tasks {
                switch task {
                case .write(let target): write(indices, to: target)
                case .look: for index in indices { look(index) }
                }
            }
        }
        finishIfSettled()
    }

    private func finishIfSettled() {
        guard !isFinished.load(ordering: .relaxed) else { return }
        let finished = progress.withLock { progress in
            progress.result.map { (outcomes: $0, doubts: progress.doubts, failures: progress.failures) }
        }
        guard let finished, isFinished.exchange(true, ordering: .acquiringAndReleasing) == false else { return }
        for (index, id) in finished.doubts {
            ids?.doubt(id, ofEvent: report.deliveries[index].event.json, in: report.stream(at: index))
        }
        var failures = RedisDeliveryReport.Failures()
        for (index, text) in finished.failures { failures.add(stream: report.stream(at: index), error: text) }
        report.log(failures)
        completion(finished.outcomes)
    }

    private let isFinished = Atomic(false)
}

// MARK: - Writing

extension RedisBatchRun {
    private func write(_ indices: [Int], to target: RedisBatchProgress.Target) {
        var parts: [(client: RedisClient, indices: [Int])] = []
        var missing: [Int] = []
        for index in indices {
            guard let client = client(for: index, target) else {
                missing.append(index)
                continue
            }
            if let part = parts.firstIndex(where: { $0.client === client }) {
                parts[part].indices.append(index)
            } else {
                parts.append((client, [index]))
            }
        }
        if !missing.isEmpty {
            let text = "no node of the Redis cluster is known that has the stream"
            progress.withLock { for index in missing { $0.refused(.retry(reason: text), text, at: index) } }
        }
        for part in parts { write(part.indices, to: part.client, asking: isAsking(target)) }
    }

    private func client(for index: Int, _ target: RedisBatchProgress.Target) -> RedisClient? {
        switch target {
        case .owner: nodes.client(forKey: report.stream(at: index))
        case .node(let endpoint), .asking(let endpoint): nodes.client(at: endpoint)
        }
    }

    private func isAsking(_ target: RedisBatchProgress.Target) -> Bool {
        if case .asking = target { true } else { false }
    }

    private func write(_ indices: [Int], to client: RedisClient, asking: Bool) {
        let chosen = chooseIDs(indices)
        let (settings, deliveries) = (settings, report.deliveries)
        do throws(RedisError) {
            try client.enqueue { encoder in
                var writer = writer
                for (position, index) in indices.enumerated() {
                    if asking { encoder.command(["ASKING"]) }
                    writer.write(deliveries[index], entryID: chosen.isEmpty ? nil : chosen[position], to: &encoder)
                }
                if let confirmation = settings.replicaConfirmation { encoder.wait(for: confirmation) }
            } completion: { [self] replies in
                receive(replies, indices, askedHost: client.configuration.endpoint.host, asking: asking)
                goOn()
            }
        } catch {
            if error.code == .closed, nodes.isCluster {
                progress.withLock { progress in
                    for index in indices { _ = progress.received(.lost(error), at: index, askedHost: "") }
                }
            } else {
                progress.withLock { progress in
                    for index in indices {
                        progress.refused(report.refusal(at: index, error), error.message, at: index)
                    }
                }
            }
        }
    }

    /// A single writer's ids: an event that was sent before keeps its own.
    private func chooseIDs(_ indices: [Int]) -> [RedisEntryID] {
        guard let ids else { return [] }
        let known = progress.withLock { $0.ids }
        let chosen = indices.map { index in
            known[index] ?? ids.choose(forEvent: report.deliveries[index].event.json, in: report.stream(at: index))
        }
        progress.withLock { progress in
            for (index, id) in zip(indices, chosen) { progress.gave(id, to: index) }
        }
        return chosen
    }

    private func receive(_ replies: RedisReplies, _ indices: [Int], askedHost: String, asking: Bool) {
        let stride = asking ? 2 : 1
        let failure = replies.failure ?? RedisError(.closed, "the Redis client is closed")
        let confirmation = confirmation(in: replies, at: indices.count * stride, failure)
        var redirects: [RedisRedirect] = []
        progress.withLock { progress in
            for (position, index) in indices.enumerated() {
                let answer = answer(in: replies, at: position * stride + stride - 1, failure)
                switch (answer, confirmation) {
                case (.written, .missing(let text)?): progress.unconfirmed(text, at: index)
                case (.written, .lost(let error)?):
                    _ = progress.received(.lost(error), at: index, askedHost: askedHost)
                case (.written(let entry), nil):
                    report.delivered(at: index, entry: entry)
                    _ = progress.received(answer, at: index, askedHost: askedHost)
                case (.lost, _), (.error, _), (.nonsense, _):
                    if let redirect = progress.received(answer, at: index, askedHost: askedHost) {
                        redirects.append(redirect)
                    }
                    if case .error(let text) = answer, text.hasPrefix("CLUSTERDOWN") { nodes.lookAgain() }
                }
            }
        }
        for redirect in redirects { nodes.moved(redirect) }
    }

    private func answer(in replies: RedisReplies, at position: Int, _ failure: RedisError) -> RedisBatchProgress.Answer
    {
        guard position < replies.count else { return .lost(failure) }
        switch replies[position] {
        case .bulk(let entry): return .written(String(decoding: entry, as: UTF8.self))
        case .error(let text): return .error(text)
        case .status, .integer, .null, .array: return .nonsense
        }
    }
}

// MARK: - Replicas

extension RedisBatchRun {
    /// What is missing of the replicas' confirmation.
    private enum Unconfirmed {
        case missing(String)
        case lost(RedisError)
    }

    /// Nil when enough replicas have what was written, or nobody asked.
    private func confirmation(in replies: RedisReplies, at position: Int, _ failure: RedisError) -> Unconfirmed? {
        guard let wanted = settings.replicaConfirmation else { return nil }
        guard position < replies.count else { return .lost(failure) }
        switch replies[position] {
        case .integer(let count) where count >= wanted.replicaCount: return nil
        case .integer(let count): return .missing("\(count) of \(wanted.replicaCount) replicas have the entry")
        case .error(let text): return .missing("Redis does not wait for replicas: \(text)")
        case .status, .bulk, .null, .array: return .missing("Redis answered WAIT with something that is no number")
        }
    }
}

// MARK: - Looking

extension RedisBatchRun {
    /// Asks the stream for the entry with the event's id, and for its last one.
    private func look(_ index: Int) {
        let key = report.stream(at: index)
        guard let id = progress.withLock({ $0.ids[index] }), let client = nodes.client(forKey: key) else {
            return progress.withLock { $0.lookFailed("the Redis client is closed", at: index) }
        }
        let confirmation = settings.replicaConfirmation
        do throws(RedisError) {
            try client.enqueue { encoder in
                encoder.command(["XREVRANGE", key, "+", "-", "COUNT", "1"])
                encoder.command(["XRANGE", key, id.description, id.description])
                if let confirmation { encoder.wait(for: confirmation) }
            } completion: { [self] replies in
                found(replies, index, key)
                goOn()
            }
        } catch {
            progress.withLock { $0.lookFailed(error.message, at: index) }
        }
    }

    private func found(_ replies: RedisReplies, _ index: Int, _ key: String) {
        let failure = replies.failure ?? RedisError(.closed, "the Redis client is closed")
        guard replies.count >= 2, case .array(let last) = replies[0], case .array(let entries) = replies[1] else {
            var text = failure.message
            if replies.count > 0, case .error(let error) = replies[replies.count - 1] { text = error }
            return progress.withLock { $0.lookFailed(text, at: index) }
        }
        if case .array(let entry)? = last.first, let id = entry.first?.text.flatMap({ RedisEntryID($0) }) {
            ids?.raise(key, to: id)
        }
        let isHeld = entries.first.map { isEntry($0, of: report.deliveries[index]) } ?? false
        let confirmation = confirmation(in: replies, at: 2, failure)
        progress.withLock { progress in
            switch (isHeld, confirmation) {
            case (true, .missing(let text)?): progress.unconfirmed(text, at: index)
            case (true, .lost(let error)?): progress.lookFailed(error.message, at: index)
            case (true, nil), (false, _): progress.looked(isHeld: isHeld, at: index)
            }
        }
    }

    /// Another writer, or an earlier run of this one, may have used the id for something else.
    private func isEntry(_ reply: RedisReply, of delivery: Delivery) -> Bool {
        guard case .array(let entry) = reply, entry.count == 2, case .array(let fields) = entry[1] else { return false }
        let sent = RedisStreamsCommand.fields(of: delivery, settings: settings)
        return fields.count == sent.count && zip(fields, sent).allSatisfy { $0 == .bulk($1) }
    }
}

extension RESPEncoder {
    /// Writes WAIT.
    fileprivate mutating func wait(for confirmation: RedisReplicaConfirmation) {
        command(["WAIT", String(confirmation.replicaCount), String(confirmation.timeout.inMilliseconds)])
    }
}
