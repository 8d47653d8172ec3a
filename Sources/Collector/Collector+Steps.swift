import DequeModule
import EventJSON
import Logging
import Synchronization

/// Bringing events through the steps of their source before they are accepted.
extension Collector {
    /// A way that has to be waited for, to be begun outside the collector's lock.
    struct BegunWork: Sendable {
        let work: SourceWork
        let operation: StepOperation
    }

    /// Brings an event through its source's steps, or lines it up behind those that are under way.
    func refine(
        _ event: Event,
        _ steps: SourceSteps,
        options: PushOptions,
        at index: Int,
        of tracker: PushTracker,
        state: inout CollectorState
    ) {
        let run = steps.run(event, ingest: options.ingest, plan: plan, consent: state.snapshot.consent.object)
        let work = SourceWork(run: run, source: steps.id, options: options, index: index, tracker: tracker)
        guard state.lanes[steps.id]?.isBusy == true else { return begin(work, state: &state) }
        guard let count = state.lanes[steps.id]?.waiting.count, count < SourceLane.maximumCount else {
            return fail(work, .impossible("too many events wait for the steps of source \"\(steps.id)\""))
        }
        tracker.expect(1)
        state.lanes[steps.id]?.waiting.append(work)
    }

    /// Goes as far as that needs no waiting.
    private func begin(_ work: SourceWork, state: inout CollectorState) {
        var work = work
        switch work.run.advance() {
        case .finished: acceptResults(of: work, state: &state)
        case .failed(let failure): fail(work, failure)
        case .waiting(let operation):
            work.tracker.expect(1)
            state.lanes[work.source, default: SourceLane()].isBusy = true
            state.begunWork.append(BegunWork(work: work, operation: operation))
        }
    }

    /// Begins what has to be waited for. Called outside the lock, with what was begun under it.
    func start(_ begun: [BegunWork]) {
        for begun in begun {
            StepWait.begin(
                begun.work.run,
                begun.operation,
                milliseconds: SourceLane.timeoutMilliseconds,
                time: time
            ) { self.finish(begun.work, $0) }
        }
    }

    /// Accepts what steps made of an event, and goes on with the next in line.
    private func finish(_ work: SourceWork, _ end: StepWait.End) {
        var work = work
        work.run = end.run
        var outgoing: [OutgoingRecord] = []
        let (workers, begun, ended, idle) = state.withLock {
            state -> ([DeliveryWorker], [BegunWork], [PushTracker], [CheckedContinuation<Void, Never>]) in
            if case .failed(let failure) = end.progress {
                fail(work, failure)
            } else {
                acceptResults(of: work, state: &state)
            }
            var ended = [work.tracker]
            state.lanes[work.source]?.isBusy = false
            while state.lanes[work.source]?.isBusy == false,
                let next = state.lanes[work.source]?.waiting.popFirst()
            {
                begin(next, state: &state)
                ended.append(next.tracker)
            }
            let isIdle = state.lanes.values.allSatisfy { !$0.isBusy }
            let idle = isIdle ? exchange(&state.lanesEnded, with: []) : []
            outgoing = exchange(&state.outgoing, with: [])
            return (queue == nil ? state.workers : [], exchange(&state.begunWork, with: []), ended, idle)
        }
        for worker in workers { worker.work() }
        write(outgoing)
        for tracker in ended { tracker.close() }
        start(begun)
        for continuation in idle { continuation.resume() }
    }

    /// Completes and delivers all that an event became; if one of these is invalid, none is accepted.
    private func acceptResults(of work: SourceWork, state: inout CollectorState) {
        let run = work.run
        state.sources[work.source, default: .init()].droppedCount += run.droppedCount + run.knownCount
        var accepted: [(event: Event, ingest: Ingest?)] = []
        do throws(EventRefusal) {
            for output in run.outputs {
                let completion = completion(work.options, state.snapshot)
                accepted.append((try complete(output.event, completion, state: &state), output.ingest))
            }
        } catch {
            return refuse(error, options: work.options, at: work.index, of: work.tracker, state: &state)
        }
        if accepted.count > 1 { work.tracker.update(work.index) { $0.isDivided = true } }
        for (event, ingest) in accepted {
            var options = work.options
            options.ingest = ingest
            deliver(event, options: options, at: work.index, of: work.tracker, state: &state)
        }
    }

    private func fail(_ work: SourceWork, _ failure: StepFailure) {
        counters.countFailed()
        logger.error("push failed", metadata: ["source": "\(work.source)", "error": "\(failure.reason)"])
        // The reason is for the log: senders do not learn how a flow is built.
        work.tracker.update(work.index) { $0.error = "the event could not be processed" }
    }

    /// Returns once no event is in the steps of a source any more.
    func drainSources() async {
        await withCheckedContinuation { continuation in
            let isIdle = state.withLock { state in
                if state.lanes.values.allSatisfy({ !$0.isBusy }) { return true }
                state.lanesEnded.append(continuation)
                return false
            }
            if isIdle { continuation.resume() }
        }
    }
}
