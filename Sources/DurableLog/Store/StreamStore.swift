/// Durable streams: created, appended to, read from an offset, closed, deleted, forked.
///
/// Success means durable: a completion is called when what it speaks of is on stable storage. Readers see nothing that a
/// crash could undo. Everything is decided in the order of the calls. Completions are called once, on a thread of the
/// store's, which they must not block. The forms that await are in an extension:
///
/// ```swift
/// try await store.create("orders", CreateOptions(contentType: "text/plain"))
/// let receipt = try await store.append(Array("one".utf8), to: "orders")
/// let page = try await store.read("orders", from: .zero)
/// ```
public protocol StreamStore: AnyObject, Sendable {
    /// Creates a stream with what it holds first, or finds it created as the same.
    func create(
        _ name: String,
        _ options: CreateOptions,
        initialBytes: UnsafeRawBufferPointer,
        completion: @escaping StoreCompletion<CreateReceipt>
    )

    /// Appends messages, closes, or both, all or nothing. The bytes are copied before the call returns.
    func append(
        _ bytes: UnsafeRawBufferPointer,
        to name: String,
        _ options: AppendOptions,
        completion: @escaping StoreCompletion<AppendReceipt>
    )

    /// What an append would be refused for, whatever its messages are; for those who look at the messages later.
    func refusal(ofAppendTo name: String, _ options: AppendOptions) -> StreamStoreError?

    /// Deletes a stream; while it has forks, its data is kept for them.
    func delete(_ name: String, completion: @escaping StoreCompletion<Void>)

    /// Reads whole messages from an offset (inside a message: from the next one), at least one if there is any, and
    /// otherwise as many as fit. Counts as an access.
    func read(
        _ name: String,
        from offset: StreamOffset,
        maximumByteCount: Int,
        completion: @escaping StoreCompletion<StreamPage>
    )

    /// Calls back when there is something behind an offset, or never will be. Counts as an access.
    @discardableResult
    func waitForData(
        in name: String,
        after offset: StreamOffset,
        completion: @escaping StoreCompletion<WaitOutcome>
    ) -> WaitToken?

    /// Ends a wait, which is called back with `cancelled` unless it ended before.
    func cancelWait(_ token: WaitToken)

    /// What a stream is. Counts as no access.
    func status(of name: String) -> Result<StreamStatus, StreamStoreError>

    /// Counts as an access, for readers who are served from elsewhere.
    func touch(_ name: String)

    /// Names that begin with a prefix, in order of their bytes, behind one of them.
    func names(prefix: String, after: String?, maximumCount: Int) -> [String]

    /// Sets a cursor, durably with what is written next, or within a second or so; `nil` removes it.
    func setCursor(_ cursor: String, of name: String, to offset: StreamOffset?) -> Result<Void, StreamStoreError>

    /// Sets a cursor, and calls back when that is durable: at once if it is urgent, else with what is written next, or
    /// within a second or so.
    func setCursor(
        _ cursor: String,
        of name: String,
        to offset: StreamOffset,
        isUrgent: Bool,
        completion: @escaping StoreCompletion<Void>
    )

    /// Changes how much is kept.
    func setRetention(_ retention: RetentionPolicy, of name: String, completion: @escaping StoreCompletion<Void>)

    /// Releases what lies before an offset; files follow when whole segments are released.
    ///
    /// Messages are counted as released with their segments, or at once if it is known how many these are.
    func trim(
        _ name: String,
        before offset: StreamOffset,
        messageCount: UInt64?,
        completion: @escaping StoreCompletion<Void>
    )

    /// What the store is.
    func statistics() -> StoreStatistics

    /// Copies, checkpoints, releases and expires at once what would be in its time, and calls back when that is done.
    func maintain(completion: @escaping StoreCompletion<Void>)

    /// Writes what waits, ends all waits, takes a checkpoint and gives the directory free.
    func close(completion: @escaping @Sendable () -> Void)
}
