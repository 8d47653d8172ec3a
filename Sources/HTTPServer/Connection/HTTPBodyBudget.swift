import Synchronization

/// The bytes of request bodies that a server holds, over all its connections: no more than
/// ``HTTPLimits/maximumInFlightByteCount``.
final class HTTPBodyBudget: Sendable {
    private let maximumByteCount: Int
    private let held = Atomic(0)

    init(maximumByteCount: Int) {
        self.maximumByteCount = maximumByteCount
    }

    /// The bytes that are held now.
    var heldByteCount: Int { self.held.load(ordering: .relaxed) }

    /// Whether so many bytes more would fit now.
    func hasRoom(for byteCount: Int) -> Bool {
        byteCount <= self.maximumByteCount - self.heldByteCount
    }

    fileprivate func take(_ byteCount: Int) -> Bool {
        guard self.held.wrappingAdd(byteCount, ordering: .relaxed).newValue > self.maximumByteCount else { return true }
        self.held.wrappingSubtract(byteCount, ordering: .relaxed)
        return false
    }

    fileprivate func giveBack(_ byteCount: Int) {
        self.held.wrappingSubtract(byteCount, ordering: .relaxed)
    }
}

/// What one exchange holds of the budget.
///
/// Only bytes that have arrived are counted, not those that a client merely announced: announcing costs it nothing.
struct HTTPBodyReservation {
    private let budget: HTTPBodyBudget
    private var byteCount = 0

    init(_ budget: HTTPBodyBudget) {
        self.budget = budget
    }

    /// Takes so many bytes more, if there are.
    mutating func grow(by byteCount: Int) -> Bool {
        guard byteCount > 0 else { return true }
        guard self.budget.take(byteCount) else { return false }
        self.byteCount += byteCount
        return true
    }

    /// Gives all back.
    mutating func release() {
        guard self.byteCount > 0 else { return }
        self.budget.giveBack(self.byteCount)
        self.byteCount = 0
    }
}
