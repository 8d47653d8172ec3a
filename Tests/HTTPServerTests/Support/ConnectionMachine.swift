@testable import HTTPServer

/// The state machine in a reference: the macros of the testing library cannot call a mutating method of a value.
@dynamicMemberLookup
final class ConnectionMachine {
    typealias Machine = HTTPConnectionStateMachine

    private var machine: Machine

    init(maximumDiscardedByteCount: Int) {
        self.machine = Machine(maximumDiscardedByteCount: maximumDiscardedByteCount)
    }

    subscript<Value>(dynamicMember keyPath: KeyPath<Machine, Value>) -> Value { self.machine[keyPath: keyPath] }

    func receiveHeadBytes(sinceExchange count: UInt64) -> Bool { self.machine.receiveHeadBytes(sinceExchange: count) }
    func receiveHead(_ framing: HTTPRequestFraming) -> Machine.HeadAction { self.machine.receiveHead(framing) }
    func planBody(_ plan: Machine.BodyPlan) -> Machine.BodyPlanAction { self.machine.planBody(plan) }
    func receiveBody(byteCount: Int) -> Machine.BodyAction { self.machine.receiveBody(byteCount: byteCount) }
    func receiveEnd() -> Machine.EndAction { self.machine.receiveEnd() }
    func pauseBody(_ exchange: UInt64, _ isPaused: Bool) { self.machine.pauseBody(exchange, isPaused) }
    func beginResponse(_ exchange: UInt64, closes: Bool, hasMore: Bool) -> Machine.ResponseAction {
        self.machine.beginResponse(exchange, closes: closes, hasMore: hasMore)
    }
    func endResponse(_ exchange: UInt64) -> Machine.ResponseEndAction { self.machine.endResponse(exchange) }
    func refuse() -> Machine.RefusalAction { self.machine.refuse() }
    func closeInput() -> Machine.CloseAction { self.machine.closeInput() }
    func drain() -> Machine.CloseAction { self.machine.drain() }
    func finishOutput(lingers: Bool) -> Bool { self.machine.finishOutput(lingers: lingers) }
    func close() { self.machine.close() }
}
