import Collector
import HTTPServer
import Synchronization

/// The answer to events that are answered before their outcomes are known, unless some were not even taken.
///
/// What is decided and what became of the events come in any order, from any thread.
final class EarlyAnswer: Sendable {
    private enum State {
        case undecided([PushResult]?)
        case given
        case waiting(@Sendable ([PushResult]) -> HTTPResponse)
        case over
    }

    private let responder: HTTPResponder
    private let note: @Sendable ([PushResult]) -> Void
    private let state = Mutex(State.undecided(nil))

    /// An answer through that responder; `note` gets the outcomes that come after it.
    init(_ responder: HTTPResponder, note: @escaping @Sendable ([PushResult]) -> Void) {
        self.responder = responder
        self.note = note
    }

    /// All outcomes are known.
    func settle(_ results: [PushResult]) {
        let before = state.withLock { state in
            switch state {
            case .undecided: exchange(&state, with: .undecided(results))
            case .given, .waiting, .over: exchange(&state, with: .over)
            }
        }
        switch before {
        case .given: note(results)
        case .waiting(let answer): responder.respond(answer(results))
        case .undecided, .over: break
        }
    }

    /// Answers now.
    func giveNow(_ response: HTTPResponse) {
        let before = state.withLock { exchange(&$0, with: .given) }
        responder.respond(response)
        if case .undecided(let results?) = before { note(results) }
    }

    /// Answers when all outcomes are known.
    func wait(_ answer: @escaping @Sendable ([PushResult]) -> HTTPResponse) {
        let before = state.withLock { exchange(&$0, with: .waiting(answer)) }
        if case .undecided(let results?) = before { responder.respond(answer(results)) }
    }
}
