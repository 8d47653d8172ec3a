import EventJSON
import Logging

/// A transformer at work.
final class StepUnit: Sendable {
    let id: String
    let transformer: any Transformer
    let immediate: (any ImmediateTransformer)?
    let registration: TransformerRegistration
    let preparation: Preparation
    let context: TransformerContext

    init(_ registration: TransformerRegistration, logger: Logger) {
        id = registration.id
        self.registration = registration
        transformer = registration.transformer
        immediate = transformer as? any ImmediateTransformer
        preparation = Preparation(isReady: !transformer.needsInitialization)
        var logger = logger
        logger[metadataKey: "transformer"] = "\(id)"
        context = TransformerContext(id: id, logger: logger)
    }

    var steps: StepOptions { registration.steps }

    func prepare() async -> Bool {
        await preparation.run {
            do {
                try await transformer.initialize(context)
                return true
            } catch {
                context.logger.error("transformer init failed", metadata: ["error": "\(error)"])
                return false
            }
        }
    }
}

/// A store at work.
final class StoreUnit: Sendable {
    let id: String
    let store: any Store
    let immediate: (any ImmediateStore)?
    let preparation = Preparation(isReady: false)
    let logger: Logger

    init(_ registration: StoreRegistration, logger: Logger) {
        id = registration.id
        store = registration.store
        immediate = store as? any ImmediateStore
        var logger = logger
        logger[metadataKey: "store"] = "\(id)"
        self.logger = logger
    }

    func prepare() async -> Bool {
        await preparation.run {
            do {
                try await store.initialize()
                return true
            } catch {
                logger.error("store init failed", metadata: ["error": "\(error)"])
                return false
            }
        }
    }
}

/// The transformers and stores of a collector, as the ways of events find them.
final class StepPlan: Sendable {
    let transformers: [String: StepUnit]
    let stores: [String: StoreUnit]
    /// Where caches and states are kept that name no store.
    let standardStore: StoreUnit
    let time: CollectorTime

    /// The id of the store that every collector has.
    static let standardStoreID = "__cache"

    init(transformers: [TransformerRegistration], stores: [StoreRegistration], logger: Logger, time: CollectorTime) {
        self.transformers = Dictionary(transformers.map { ($0.id, StepUnit($0, logger: logger)) }) { _, last in last }
        let standard =
            stores.last { $0.id == Self.standardStoreID }
            ?? StoreRegistration(
                id: Self.standardStoreID,
                store: MemoryStore(nowMilliseconds: time.monotonicMilliseconds)
            )
        standardStore = StoreUnit(standard, logger: logger)
        var units = [Self.standardStoreID: standardStore]
        for store in stores where store.id != Self.standardStoreID {
            units[store.id] = StoreUnit(store, logger: logger)
        }
        self.stores = units
        self.time = time
    }

    /// The store of that name.
    func store(_ id: String?) throws(StepFailure) -> StoreUnit {
        guard let id else { return standardStore }
        guard let store = stores[id] else { throw .impossible("there is no store \"\(id)\"") }
        return store
    }

    /// Makes the stores ready; what fails is tried again at its first use.
    func start(within patience: Duration) async {
        await withTaskGroup(of: Void.self) { group in
            for store in stores.values {
                group.addTask {
                    let isOver = await Deadline.run(patience, time: self.time) { _ = await store.prepare() }
                    if !isOver { store.logger.error("store init failed: timed out") }
                }
            }
        }
    }

    /// Ends the transformers, then the stores.
    func end(within patience: Duration) async {
        await withTaskGroup(of: Void.self) { group in
            for unit in transformers.values {
                group.addTask {
                    await self.end("transformer", unit.id, unit.context.logger, patience) {
                        try await unit.transformer.destroy(unit.context)
                    }
                }
            }
        }
        await withTaskGroup(of: Void.self) { group in
            for unit in stores.values {
                group.addTask {
                    await self.end("store", unit.id, unit.logger, patience) { try await unit.store.destroy() }
                }
            }
        }
    }

    private func end(
        _ kind: String,
        _ id: String,
        _ logger: Logger,
        _ patience: Duration,
        _ destroy: @escaping @Sendable () async throws -> Void
    ) async {
        let isOver = await Deadline.run(patience, time: time) {
            do {
                try await destroy()
            } catch {
                logger.error("\(kind) '\(id)' destroy failed: \(error)")
            }
        }
        if !isOver { logger.error("\(kind) '\(id)' destroy failed: timed out") }
    }
}
