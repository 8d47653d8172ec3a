import EventJSON
import Logging
import Synchronization

/// Exchanging a running collector for another, as when its flow has changed.
///
/// ```swift
/// let next = Collector(destinations: …, succeeding: current)
/// let handingOver = await next.succeed()   // from now on both take events, and `next` has them
/// endpoint.collector = next
/// await handingOver.value
/// ```
///
/// No event is lost, none is delivered twice for it, and each goes where it was accepted for: events that wait at a
/// destination go on at the one with the same id, under the rules it has now unless they were mapped already; where
/// there is none any more, they are delivered by the old one, which then ends.
extension Collector {
    /// Takes the predecessor's place, and its state: consent, user, globals and custom properties as set since it
    /// began, the run, the counts. Returns when pushes to either reach this collector's destinations.
    ///
    /// The task ends when all that waited was handed over. Until then this collector must not be succeeded itself. The
    /// predecessor must not be shut down any more.
    public func succeed() async -> Task<Void, Never> {
        guard let predecessor = state.withLock({ $0.predecessor }) else {
            await start()
            return Task {}
        }
        await plan.start(within: Self.patience)
        let (pairs, orphans, held) = adopt(predecessor)
        for worker in orphans { retire(worker, of: predecessor) }
        return Task {
            await predecessor.drainSources()
            let present = self.state.withLock { $0.snapshot }
            await withTaskGroup(of: Void.self) { group in
                for (old, new) in pairs {
                    group.addTask { await old.finishHandingOver(to: new, present: present) }
                }
            }
            for push in held { _ = await self.replay(push) }
            if self.options.run, !self.state.withLock({ $0.isAllowed }) { _ = await self.command(.run()) }
        }
    }

    /// The worker of that destination, unless it takes no events.
    func worker(_ id: String) -> DeliveryWorker? {
        state.withLock { state in state.workers.first { $0.id == id && !$0.configuration.isDisabled } }
    }

    private typealias Adoption = (
        pairs: [(old: DeliveryWorker, new: DeliveryWorker)], orphans: [DeliveryWorker], held: [CollectorState.HeldPush]
    )

    /// Takes over the state, and turns the predecessor's workers to this one's.
    private func adopt(_ predecessor: Collector) -> Adoption {
        // The predecessor's lock is taken inside this one's: its own never takes another collector's.
        state.withLock { state in
            predecessor.state.withLock { old in
                state.isStarted = true
                state.isAllowed = old.isAllowed
                state.count = old.count
                state.broadcastTypes = old.broadcastTypes
                state.backfill = old.backfill
                state.sources = old.sources
                state.retired = old.retired
                let before = predecessor.options
                let snapshot = old.snapshot
                func changed(_ present: StateCell, _ initial: JSONObject) -> JSONObject? {
                    present.object.members.elementsEqual(initial.members) ? nil : present.object
                }
                state.update(
                    consent: changed(snapshot.consent, before.consent) ?? options.consent,
                    user: changed(snapshot.user, before.user) ?? options.user,
                    globals: changed(snapshot.globals, before.globalsStatic.assigning(before.globals)),
                    custom: changed(snapshot.custom, before.custom) ?? options.custom,
                    trace: snapshot.trace,
                    runStartMilliseconds: snapshot.runStartMilliseconds
                )
                state.queueStart = old.queueStart
                _ = placePending(&state)
                var pairs: [(DeliveryWorker, DeliveryWorker)] = []
                var orphans: [DeliveryWorker] = []
                for worker in old.workers {
                    let successor = state.workers.first { $0.id == worker.id && !$0.configuration.isDisabled }
                    if let successor {
                        successor.suspend()
                        worker.beginHandingOver(to: successor)
                        pairs.append((worker, successor))
                    } else {
                        orphans.append(worker)
                    }
                }
                for worker in state.workers where !worker.configuration.isDisabled {
                    worker.reader?.update(state.snapshot)
                    worker.reader?.attach(worker)
                }
                noteReaders(state)
                // Those that were suspended for a destination that is disabled there, or parked, have none to wait for.
                state.predecessor = nil
                old.isSucceeded = true
                let held = old.preRun.removeAll()
                old.retired = []
                return (pairs, orphans, held)
            }
        }
    }

    /// Lets a destination that this collector does not have deliver what waits there, however long it takes, and ends
    /// it then.
    private func retire(_ worker: DeliveryWorker, of predecessor: Collector) {
        state.withLock { $0.retired.append(worker) }
        Task {
            // Nothing is offered to it any more: what it has not taken by now lies in the queue.
            let isFinished = await worker.reader?.finish() ?? false
            await worker.drain()
            await worker.destroy()
            if isFinished { worker.reader?.forget() }
            // Its steps use the predecessor's stores and transformers.
            withExtendedLifetime(predecessor) {}
            self.state.withLock { state in state.retired.removeAll { $0 === worker } }
        }
    }
}
