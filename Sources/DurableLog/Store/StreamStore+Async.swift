extension StreamStore {
    /// Creates a stream with what it holds first, or finds it created as the same.
    @discardableResult
    public func create(
        _ name: String,
        _ options: CreateOptions = CreateOptions(),
        initialBytes: [UInt8] = []
    ) async throws(StreamStoreError) -> CreateReceipt {
        try await withUnsafeContinuation {
            (continuation: UnsafeContinuation<Result<CreateReceipt, StreamStoreError>, Never>) in
            initialBytes.withUnsafeBytes { bytes in
                create(name, options, initialBytes: bytes) { continuation.resume(returning: $0) }
            }
        }.get()
    }

    /// Appends messages, closes, or both, all or nothing.
    @discardableResult
    public func append(
        _ bytes: [UInt8],
        to name: String,
        _ options: AppendOptions = AppendOptions()
    ) async throws(StreamStoreError) -> AppendReceipt {
        // Resumed exactly once by the store's contract; the checked form costs an allocation for each append.
        try await withUnsafeContinuation {
            (continuation: UnsafeContinuation<Result<AppendReceipt, StreamStoreError>, Never>) in
            bytes.withUnsafeBytes { bytes in
                append(bytes, to: name, options) { continuation.resume(returning: $0) }
            }
        }.get()
    }

    /// Closes a stream.
    @discardableResult
    public func closeStream(_ name: String) async throws(StreamStoreError) -> AppendReceipt {
        try await append([], to: name, AppendOptions(closes: true))
    }

    /// Deletes a stream.
    public func delete(_ name: String) async throws(StreamStoreError) {
        try await withUnsafeContinuation { (continuation: UnsafeContinuation<Result<Void, StreamStoreError>, Never>) in
            delete(name) { continuation.resume(returning: $0) }
        }.get()
    }

    /// Reads whole messages from an offset.
    public func read(
        _ name: String,
        from offset: StreamOffset,
        maximumByteCount: Int = 4 << 20
    ) async throws(StreamStoreError) -> StreamPage {
        try await withUnsafeContinuation {
            (continuation: UnsafeContinuation<Result<StreamPage, StreamStoreError>, Never>) in
            read(name, from: offset, maximumByteCount: maximumByteCount) { continuation.resume(returning: $0) }
        }.get()
    }

    /// Waits until there is something behind an offset, or never will be. A cancelled task's wait is `cancelled`.
    public func waitForData(in name: String, after offset: StreamOffset) async throws(StreamStoreError) -> WaitOutcome {
        let cancellation = WaitCancellation()
        return try await withTaskCancellationHandler {
            await withUnsafeContinuation {
                (continuation: UnsafeContinuation<Result<WaitOutcome, StreamStoreError>, Never>) in
                let token = waitForData(in: name, after: offset) { continuation.resume(returning: $0) }
                if let token, cancellation.started(token) { cancelWait(token) }
            }
        } onCancel: {
            if let token = cancellation.cancelled() { cancelWait(token) }
        }.get()
    }

    /// Changes how much is kept.
    public func setRetention(_ retention: RetentionPolicy, of name: String) async throws(StreamStoreError) {
        try await withUnsafeContinuation { (continuation: UnsafeContinuation<Result<Void, StreamStoreError>, Never>) in
            setRetention(retention, of: name) { continuation.resume(returning: $0) }
        }.get()
    }

    /// Releases what lies before an offset.
    public func trim(_ name: String, before offset: StreamOffset) async throws(StreamStoreError) {
        try await withUnsafeContinuation { (continuation: UnsafeContinuation<Result<Void, StreamStoreError>, Never>) in
            trim(name, before: offset, messageCount: nil) { continuation.resume(returning: $0) }
        }.get()
    }

    /// Does at once what is done in its time.
    public func maintain() async throws(StreamStoreError) {
        try await withUnsafeContinuation { (continuation: UnsafeContinuation<Result<Void, StreamStoreError>, Never>) in
            maintain { continuation.resume(returning: $0) }
        }.get()
    }

    /// Writes what waits, ends all waits, takes a checkpoint and gives the directory free.
    public func close() async {
        await withUnsafeContinuation { (continuation: UnsafeContinuation<Void, Never>) in
            close { continuation.resume() }
        }
    }
}
