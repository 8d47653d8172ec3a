import DequeModule
public import EventJSON
import Logging
import Synchronization

/// Something a collector is told to do.
public struct CollectorCommand: Sendable {
    /// "consent", "user", "globals", "custom", "config", "run", "ready", "session" or "shutdown".
    public let name: String
    /// What the command sets; not looked at unless it is an object.
    public let data: JSONValue

    /// A command of that name.
    public init(name: String, data: JSONValue = .missing) {
        self.name = name
        self.data = data
    }

    /// Begins a run, with changes of state if there are any.
    public static func run(_ state: JSONObject = [:]) -> CollectorCommand {
        CollectorCommand(name: "run", data: state.isEmpty ? .missing : .object(state))
    }
    /// Merges consent states into the collector's and lets waiting events through where they now may.
    public static func consent(_ states: JSONObject) -> CollectorCommand {
        CollectorCommand(name: "consent", data: .object(states))
    }
    /// Merges user properties into the collector's.
    public static func user(_ user: JSONObject) -> CollectorCommand {
        CollectorCommand(name: "user", data: .object(user))
    }
    /// Merges globals into the collector's.
    public static func globals(_ globals: JSONObject) -> CollectorCommand {
        CollectorCommand(name: "globals", data: .object(globals))
    }
    /// Merges custom properties into the collector's.
    public static func custom(_ custom: JSONObject) -> CollectorCommand {
        CollectorCommand(name: "custom", data: .object(custom))
    }
}

extension Collector {
    /// Carries out a command and waits for what it sets in motion.
    ///
    /// The result names the destinations where waiting events were delivered (`done`), where events still wait
    /// (`queued`), and where a delivery failed. Before the run has begun a command takes effect, but nothing can be
    /// delivered, and the result says so.
    public func command(_ command: CollectorCommand) async -> PushResult {
        switch command.name {
        case "run": return await beginRun(command.data.object ?? [:])
        case "shutdown":
            await shutdown()
            return PushResult()
        case "consent", "user", "globals", "custom", "config", "ready", "session":
            return await change(command)
        default:
            logger.warning("unknown command", metadata: ["command": "\(command.name)"])
            return PushResult(error: "unknown command", isInvalid: true)
        }
    }

    /// Adds a destination while the collector runs. It gets the events of the current run first, unless its
    /// configuration says otherwise; the same id replaces the old destination, which is destroyed.
    public func addDestination(_ registration: DestinationRegistration) async -> PushResult {
        let (worker, replaced) = state.withLock { state in
            let replaced = state.workers.first { $0.id == registration.id }
            return (register(registration, in: &state), replaced)
        }
        if let replaced { await end(replaced) }
        guard let worker else { return PushResult() }
        return await backfill([worker])
    }

    private func change(_ command: CollectorCommand) async -> PushResult {
        guard let data = command.data.object else {
            guard command.name == "ready" || command.name == "session" else { return PushResult() }
            return await broadcast(StateChange(type: command.name, data: .missing))
        }
        let change = state.withLock { state -> StateChange in
            switch command.name {
            case "consent":
                var states = JSONObject()
                for member in data { states[member.name] = .bool(member.value.isTruthy) }
                state.update(consent: state.snapshot.consent.object.assigning(states))
                return StateChange(type: command.name, data: .object(states))
            case "user": state.update(user: state.snapshot.user.object.assigning(data))
            case "globals": state.update(globals: state.snapshot.globals.object.assigning(data))
            case "custom": state.update(custom: state.snapshot.custom.object.assigning(data))
            default: break
            }
            return StateChange(type: command.name, data: command.data)
        }
        return await broadcast(change)
    }

    /// Tells destinations of a change, lets waiting events through, and puts parked destinations in place.
    private func broadcast(_ change: StateChange) async -> PushResult {
        let (isAllowed, arrived) = state.withLock { state -> (Bool, [DeliveryWorker]) in
            state.broadcastTypes.insert(change.type)
            for worker in state.workers
            where worker.destination.observesStateChanges && !worker.configuration.isDisabled {
                worker.add(.change(change))
            }
            return (state.isAllowed, placePending(&state))
        }
        guard isAllowed else {
            return PushResult(error: "the run has not begun", isInvalid: false)
        }
        var result = await backfill(arrived)
        let flushed = await flush(except: arrived)
        result.outcomes += flushed.outcomes
        return result
    }

    /// Registers the parked destinations whose required changes have all come.
    func placePending(_ state: inout CollectorState) -> [DeliveryWorker] {
        let waiting = state.pending
        state.pending = []
        return waiting.compactMap { register($0.registration, in: &state) }
    }

    /// Lets waiting events through where they now may, and waits for their delivery.
    private func flush(except skipped: [DeliveryWorker] = []) async -> PushResult {
        await withCheckedContinuation { continuation in
            let tracker = PushTracker(count: 1) { continuation.resume(returning: $0[0]) }
            let workers = state.withLock { state -> [DeliveryWorker] in
                let workers = state.workers.filter { worker in
                    !worker.configuration.isDisabled && !skipped.contains { $0 === worker }
                }
                for worker in workers {
                    tracker.expect(1)
                    worker.reader?.update(state.snapshot)
                    worker.add(.flush(state.snapshot, FlushTracker(destination: worker.id, tracker: tracker)))
                }
                return workers
            }
            for worker in workers { worker.work() }
            tracker.close()
        }
    }

    /// Gives new destinations the events of the current run, their consent as it is now.
    private func backfill(_ workers: [DeliveryWorker]) async -> PushResult {
        if queue != nil {
            attach(workers)
            return PushResult()
        }
        let wanting = workers.filter { $0.configuration.isBackfilled && !$0.configuration.isDisabled }
        if wanting.isEmpty { return PushResult() }
        return await withCheckedContinuation { continuation in
            let tracker = PushTracker(count: 1) { continuation.resume(returning: $0[0]) }
            state.withLock { state in
                for worker in wanting {
                    tracker.expect(1)
                    let flush = FlushTracker(destination: worker.id, tracker: tracker)
                    for kept in state.backfill.elements {
                        flush.expect(1)
                        let queued = QueuedEvent(
                            event: kept.event,
                            state: state.snapshot,
                            waiter: .none,
                            ingest: kept.ingest
                        )
                        worker.add(.event(queued.withPresentConsent(state.snapshot, waiter: .flush(flush))))
                    }
                    flush.settle(nil)
                }
            }
            for worker in wanting { worker.work() }
            tracker.close()
        }
    }

    private func beginRun(_ changes: JSONObject) async -> PushResult {
        let (held, arrived) = state.withLock { state -> ([CollectorState.HeldPush], [DeliveryWorker]) in
            func merged(_ name: String, _ cell: StateCell) -> JSONObject? {
                changes[name].object.map { cell.object.assigning($0) }
            }
            state.isAllowed = true
            state.count = 0
            state.update(
                consent: merged("consent", state.snapshot.consent),
                user: merged("user", state.snapshot.user),
                globals: changes["globals"].object.map { options.globalsStatic.assigning($0) },
                custom: merged("custom", state.snapshot.custom),
                trace: state.identifiers.traceID(),
                runStartMilliseconds: time.nowMilliseconds()
            )
            _ = state.backfill.removeAll()
            return (state.preRun.removeAll(), placePending(&state))
        }
        var result = await backfill(arrived)
        for push in held {
            let replayed = await replay(push)
            if !replayed.isOK {
                result.error = result.error ?? replayed.error
                result.outcomes += replayed.outcomes.filter { if case .failed = $0.outcome { true } else { false } }
            }
        }
        let flushed = await broadcast(StateChange(type: "run", data: .missing))
        result.outcomes += flushed.outcomes
        return result
    }

    func replay(_ push: CollectorState.HeldPush) async -> PushResult {
        await withCheckedContinuation { continuation in
            push.text.withUnsafeBufferPointer { bytes in
                do {
                    let batch = try EventBatch(json: bytes, limits: .unbounded)
                    self.push(batch, options: push.options) { continuation.resume(returning: $0[0]) }
                } catch {
                    continuation.resume(returning: PushResult(error: "\(error)", isInvalid: true))
                }
            }
        }
    }
}
