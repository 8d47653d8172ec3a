import EventJSON

/// Why a step could not do its work. The event goes no further by this way.
enum StepFailure: Error, Sendable, Equatable {
    /// It may succeed later.
    case failed(String)
    /// It never will.
    case impossible(String)
    /// The transformer could not be initialized.
    case notReady(String)
    /// The cache key of the event belongs to one that is under way.
    case occupied(String)

    var reason: String {
        switch self {
        case .failed(let reason), .impossible(let reason), .notReady(let reason): reason
        case .occupied: "an event with the same cache key is under way"
        }
    }
}

/// Something outside that an event's way asks for.
enum StepOperation: Sendable {
    case prepare(StepUnit)
    case transform(StepUnit, TransformerInput)
    case get(StoreUnit, String)
    case set(StoreUnit, String, JSONValue, lifetimeMilliseconds: Int?)

    /// What came of it.
    enum Answer: Sendable {
        case done
        case result(TransformerResult)
        case value(JSONValue)
    }

    /// The answer, if it can be had without waiting.
    func immediateAnswer() throws(StepFailure) -> Answer? {
        switch self {
        case .prepare(let unit): return unit.preparation.isReady ? .done : nil
        case .transform(let unit, let input):
            guard let immediate = unit.immediate else { return nil }
            do {
                return .result(try immediate.transform(input))
            } catch {
                throw .failed("transformer \"\(unit.id)\": \(error)")
            }
        case .get(let unit, let key): return unit.immediate.map { .value($0.immediateValue(forKey: key)) }
        case .set(let unit, let key, let value, let lifetime):
            guard let store = unit.immediate else { return nil }
            store.setImmediately(value, forKey: key, lifetimeMilliseconds: lifetime)
            return .done
        }
    }

    /// Does it, and waits for the answer.
    func answer() async throws(StepFailure) -> Answer {
        switch self {
        case .prepare(let unit):
            guard await unit.prepare() else { throw .notReady("transformer \"\(unit.id)\" is not ready") }
            return .done
        case .transform(let unit, let input):
            do {
                return .result(try await unit.transformer.transform(input))
            } catch {
                throw .failed("transformer \"\(unit.id)\": \(error)")
            }
        case .get(let unit, let key):
            guard await unit.prepare() else { throw .notReady("store \"\(unit.id)\" is not ready") }
            do {
                return .value(try await unit.store.value(forKey: key))
            } catch {
                throw .failed("store \"\(unit.id)\": \(error)")
            }
        case .set(let unit, let key, let value, let lifetime):
            guard await unit.prepare() else { throw .notReady("store \"\(unit.id)\" is not ready") }
            do {
                try await unit.store.set(value, forKey: key, lifetimeMilliseconds: lifetime)
                return .done
            } catch {
                throw .failed("store \"\(unit.id)\": \(error)")
            }
        }
    }
}
