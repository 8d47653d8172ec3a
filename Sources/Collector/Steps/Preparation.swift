import Synchronization

/// Makes something ready once, however many ask for it; after a failure the next who asks tries again.
final class Preparation: Sendable {
    private enum Phase {
        case unprepared
        case busy([CheckedContinuation<Bool, Never>])
        case ready
    }

    private let phase: Mutex<Phase>

    init(isReady: Bool) {
        phase = Mutex(isReady ? .ready : .unprepared)
    }

    var isReady: Bool { phase.withLock { if case .ready = $0 { true } else { false } } }

    /// Does the work unless it has been done, or waits for who does it; whether it succeeded.
    func run(_ work: @Sendable () async -> Bool) async -> Bool {
        let begins = phase.withLock { phase -> Bool in
            guard case .unprepared = phase else { return false }
            phase = .busy([])
            return true
        }
        guard begins else { return await wait() }
        let isReady = await work()
        let waiting = phase.withLock { phase -> [CheckedContinuation<Bool, Never>] in
            guard case .busy(let waiting) = exchange(&phase, with: isReady ? .ready : .unprepared) else { return [] }
            return waiting
        }
        for continuation in waiting { continuation.resume(returning: isReady) }
        return isReady
    }

    private func wait() async -> Bool {
        await withCheckedContinuation { continuation in
            let isReady = phase.withLock { phase -> Bool? in
                switch phase {
                case .ready: return true
                case .unprepared: return false
                case .busy(let waiting):
                    phase = .busy(waiting + [continuation])
                    return nil
                }
            }
            if let isReady { continuation.resume(returning: isReady) }
        }
    }
}
