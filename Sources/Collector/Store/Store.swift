public import EventJSON

/// Keeps values by key, for caches and states of steps.
public protocol Store: Sendable {
    /// The store's type for logs, such as "memory".
    var type: String { get }

    /// Prepares; called when the collector starts, and again before the next use until it succeeds.
    func initialize() async throws

    /// The value under a key; missing if there is none.
    func value(forKey key: String) async throws -> JSONValue

    /// Keeps a value under a key.
    ///
    /// - Parameter lifetimeMilliseconds: After that time the store may forget it; nil for no limit.
    func set(_ value: JSONValue, forKey key: String, lifetimeMilliseconds: Int?) async throws

    /// Forgets a key.
    func remove(_ key: String) async throws

    /// Releases what the store owns. Called once, after everything that uses it has ended.
    func destroy() async throws
}

extension Store {
    /// Nothing to prepare.
    public func initialize() async throws {}
    /// Nothing to release.
    public func destroy() async throws {}
}

/// A store that answers at once. No task is started for it; it must not block.
public protocol ImmediateStore: Store {
    /// The value under a key; missing if there is none.
    func immediateValue(forKey key: String) -> JSONValue
    /// Keeps a value under a key.
    func setImmediately(_ value: JSONValue, forKey key: String, lifetimeMilliseconds: Int?)
    /// Forgets a key.
    func removeImmediately(_ key: String)
}

extension ImmediateStore {
    /// The value under a key; missing if there is none.
    public func value(forKey key: String) async throws -> JSONValue { immediateValue(forKey: key) }
    /// Keeps a value under a key.
    public func set(_ value: JSONValue, forKey key: String, lifetimeMilliseconds: Int?) async throws {
        setImmediately(value, forKey: key, lifetimeMilliseconds: lifetimeMilliseconds)
    }
    /// Forgets a key.
    public func remove(_ key: String) async throws { removeImmediately(key) }
}

/// A store and its name.
public struct StoreRegistration: Sendable {
    /// The name under which caches and states find it.
    public let id: String
    /// The store.
    public let store: any Store

    /// A registration under that id.
    public init(id: String, store: any Store) {
        self.id = id
        self.store = store
    }
}
