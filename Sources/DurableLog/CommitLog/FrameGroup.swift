/// What was enqueued while the group before it was written: frames, what they mean, and who waits for them.
///
/// `@unchecked Sendable`: changed only under the store's lock while it is open; then it is the flusher's alone, and once
/// published nothing changes it.
final class FrameGroup: @unchecked Sendable {
    let number: UInt64
    let startPosition: UInt64
    /// The file that is to be begun for it.
    var newFile: LogFileRange?
    let buffer: FrameBuffer
    private(set) var entries: [Entry] = []
    var completions: [FrameCompletion] = []

    struct Entry {
        let operation: StoreOperation
        /// Where the stream's state is; of a creation, nothing yet.
        let slot: Int
        let frameStart: Int
        let frameLength: Int
    }

    init(number: UInt64, startPosition: UInt64, capacity: Int) {
        self.number = number
        self.startPosition = startPosition
        buffer = FrameBuffer(capacity: capacity)
    }

    var endPosition: UInt64 { startPosition + UInt64(buffer.count) }
    var isEmpty: Bool { entries.isEmpty && completions.isEmpty }

    /// A frame of the group.
    func frame(_ entry: Entry) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(rebasing: buffer.bytes[entry.frameStart..<entry.frameStart + entry.frameLength])
    }

    func add(_ operation: StoreOperation, slot: Int, frameStart: Int, frameLength: Int) {
        entries.append(Entry(operation: operation, slot: slot, frameStart: frameStart, frameLength: frameLength))
    }
}

/// Who waits for a group, and what they are told when it is durable.
enum FrameCompletion: Sendable {
    case append(AppendReceipt, StoreCompletion<AppendReceipt>)
    case refusedAppend(StreamStoreError, StoreCompletion<AppendReceipt>)
    case create(CreateReceipt, StoreCompletion<CreateReceipt>)
    case refusedCreate(StreamStoreError, StoreCompletion<CreateReceipt>)
    case change(StoreCompletion<Void>)
    case refusedChange(StreamStoreError, StoreCompletion<Void>)

    func call(_ failure: StreamStoreError?) {
        switch self {
        case .append(let receipt, let completion): completion(failure.map { .failure($0) } ?? .success(receipt))
        case .refusedAppend(let error, let completion): completion(.failure(failure ?? error))
        case .create(let receipt, let completion): completion(failure.map { .failure($0) } ?? .success(receipt))
        case .refusedCreate(let error, let completion): completion(.failure(failure ?? error))
        case .change(let completion): completion(failure.map { .failure($0) } ?? .success(()))
        case .refusedChange(let error, let completion): completion(.failure(failure ?? error))
        }
    }
}
