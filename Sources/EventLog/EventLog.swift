public import Collector
import Crypto
public import DurableLog
public import Logging
import Synchronization

/// A collector's queue in a store of durable streams.
///
/// ```swift
/// let log = try await EventLog(store: MemoryStreamStore())
/// let collector = Collector(destinations: …, queue: log)
/// ```
///
/// The streams are `collector/events`, `collector/held/<destination>` and `collector/dead-letters/<destination>`, all of
/// JSON messages, so that whoever reads the store reads events.
public final class EventLog: EventQueue {
    /// What is kept, and for how long.
    public struct Options: Sendable {
        /// How much is kept of events that every destination is done with.
        public var retention = RetentionPolicy(maximumAgeMilliseconds: 7 * 86_400_000, cursors: .keepsUnread)
        /// Bytes that are kept of each destination's dead letters; beyond it the oldest are given up. Default nil: all.
        public var maximumDeadLetterByteCount: Int?
        /// Bytes of the oldest events that are given up together when the log is full: files go as a whole, so a segment of
        /// the store. Default 16 MiB.
        public var pieceByteCount = 16 << 20
        /// How long an event's id is remembered. Default a day.
        public var duplicateAgeMilliseconds: UInt64 = 86_400_000
        /// How many ids are remembered. Default 10 million.
        public var duplicateCount: UInt64 = 10_000_000

        /// Options with defaults.
        public init() {}
    }

    /// What all of the collector's streams begin with.
    public static let prefix = "collector/"

    let store: any StreamStore
    let options: Options
    private let onFence: @Sendable (String) -> Void
    let logger: Logger
    /// Who waits for room, and when some was last made.
    let room = Mutex(RoomState())
    /// Dead letters that were given up, by destination.
    let shedding = Mutex<[String: SheddingState]>([:])

    /// A queue in that store. `onFence` is told why when the store takes nothing more, once for every append that is
    /// refused for it: the process should end, and what starts in its place recovers.
    ///
    /// - Throws: `StreamStoreError` if the stream of events can neither be found nor created.
    public init(
        store: any StreamStore,
        options: Options = Options(),
        logger: Logger = Logger(label: "log"),
        onFence: @escaping @Sendable (String) -> Void = { _ in }
    ) async throws(StreamStoreError) {
        self.store = store
        self.options = options
        self.logger = logger
        self.onFence = onFence
        try await store.create(Self.name(of: .events), creation(of: .events))
        try await store.setRetention(options.retention, of: Self.name(of: .events))
    }

    /// The name of a stream in the store.
    public static func name(of stream: EventQueueStream) -> String {
        switch stream {
        case .events: prefix + "events"
        case .held(let destination): prefix + "held/" + destination
        case .deadLetters(let destination): prefix + "dead-letters/" + destination
        }
    }

    private func creation(of stream: EventQueueStream) -> CreateOptions {
        let retention =
            switch stream {
            case .events: options.retention
            // Trimmed behind the cursor, and dead letters when there are too many.
            case .held, .deadLetters: RetentionPolicy.everything
            }
        return CreateOptions(contentType: "application/json", isMessageList: true, retention: retention)
    }

    /// Writes records, all or none; creates the streams of held events and dead letters with their first.
    public func append(
        _ batch: EventQueueBatch,
        to stream: EventQueueStream,
        completion: @escaping @Sendable (Result<EventQueueReceipt, EventQueueError>) -> Void
    ) {
        var appending = AppendOptions(messageByteCounts: batch.byteCounts)
        if !batch.ids.isEmpty {
            appending.keys = MessageKeys(
                batch.ids.map(MessageKey.init(eventID:)),
                maximumAgeMilliseconds: options.duplicateAgeMilliseconds,
                maximumCount: options.duplicateCount
            )
        }
        // What is kept for a destination must not fail because of new events.
        appending.usesReserve = stream != .events
        append(batch.bytes, to: stream, appending, mayCreate: stream != .events) { [self] result in
            if case .failure(.fenced(let reason)) = result { onFence(reason) }
            let result = result.map { receipt in
                EventQueueReceipt(start: receipt.start.position, duplicates: receipt.duplicates.map(\.index))
            }.mapError(EventQueueError.init)
            if case .deadLetters(let destination) = stream, case .success = result {
                shedDeadLetters(of: destination) { completion(result) }
            } else {
                completion(result)
            }
        }
    }

    private func append(
        _ bytes: [UInt8],
        to stream: EventQueueStream,
        _ appending: AppendOptions,
        mayCreate: Bool,
        completion: @escaping StoreCompletion<AppendReceipt>
    ) {
        bytes.withUnsafeBytes { buffer in
            store.append(buffer, to: Self.name(of: stream), appending) { [self] result in
                guard case .failure(.absent) = result, mayCreate else { return completion(result) }
                store.create(
                    Self.name(of: stream),
                    creation(of: stream),
                    initialBytes: UnsafeRawBufferPointer(start: nil, count: 0)
                ) { created in
                    if case .failure(let error) = created { return completion(.failure(error)) }
                    self.append(bytes, to: stream, appending, mayCreate: false, completion: completion)
                }
            }
        }
    }

    /// Reads whole records from a position; what was released is passed over.
    public func read(
        _ stream: EventQueueStream,
        from position: UInt64,
        maximumByteCount: Int,
        completion: @escaping @Sendable (Result<EventQueuePage, EventQueueError>) -> Void
    ) {
        store.read(
            Self.name(of: stream),
            from: StreamOffset(position: position),
            maximumByteCount: maximumByteCount
        ) { [self] result in
            switch result {
            case .success(let page):
                let records = page.messages.map { EventQueuePage.Record(range: $0.range, end: $0.end.position) }
                completion(
                    .success(EventQueuePage(bytes: page.bytes, records: records, next: page.next.position))
                )
            case .failure(.gone(let earliest)) where earliest.position > position:
                read(stream, from: earliest.position, maximumByteCount: maximumByteCount, completion: completion)
            case .failure(.absent): completion(.success(EventQueuePage(bytes: [], records: [], next: position)))
            case .failure(let error): completion(.failure(EventQueueError(error)))
            }
        }
    }

    /// Where the stream begins and ends, as far as it is on stable storage.
    public func bounds(of stream: EventQueueStream) -> EventQueueBounds {
        guard case .success(let status) = store.status(of: Self.name(of: stream)) else { return .absent }
        return EventQueueBounds(
            earliest: status.earliest.position,
            tail: status.tail.position,
            count: Int(clamping: status.messageCount)
        )
    }

    /// The position up to which a reader is done; nil if it has none.
    public func cursor(_ name: String, in stream: EventQueueStream) -> UInt64? {
        guard case .success(let status) = store.status(of: Self.name(of: stream)) else { return nil }
        return status.cursors[name]?.position
    }

    /// How far every reader of a stream is.
    public func cursors(in stream: EventQueueStream) -> [String: UInt64] {
        guard case .success(let status) = store.status(of: Self.name(of: stream)) else { return [:] }
        return status.cursors.mapValues(\.position)
    }

    /// Notes the position up to which a reader is done; what left a stream of held events or dead letters is released.
    public func setCursor(
        _ name: String,
        in stream: EventQueueStream,
        to position: UInt64,
        passing count: UInt64,
        isUrgent: Bool,
        completion: @escaping @Sendable (Result<Void, EventQueueError>) -> Void
    ) {
        let offset = StreamOffset(position: position)
        store.setCursor(name, of: Self.name(of: stream), to: offset, isUrgent: isUrgent) { [self] result in
            if case .success = result, stream != .events, name.hasPrefix("destination:") || name.hasPrefix("replay:") {
                // What left these streams is not kept any longer.
                store.trim(Self.name(of: stream), before: offset, messageCount: count) { _ in }
            }
            completion(result.mapError(EventQueueError.init))
        }
    }

    /// Forgets a cursor, so that it holds nothing any more.
    public func removeCursor(_ name: String, in stream: EventQueueStream) {
        _ = store.setCursor(name, of: Self.name(of: stream), to: nil)
    }
}

extension EventQueueError {
    fileprivate init(_ error: StreamStoreError) {
        switch error {
        case .full: self = .full("\(error)")
        case .overloaded: self = .overloaded("\(error)")
        default: self = .failed("\(error)")
        }
    }
}

extension MessageKey {
    /// An event's id: itself if it has no more than 16 bytes, else a digest of it. What is left of the 16 is filled with a
    /// byte that no text has.
    init(eventID: String) {
        var id = eventID
        var bytes = id.withUTF8 { id in
            InlineArray<16, UInt8> { $0 < id.count ? id[$0] : 0xFF }
        }
        if id.utf8.count > bytes.count {
            let digest = id.withUTF8 { SHA256.hash(data: $0) }
            digest.withUnsafeBytes { digest in for place in bytes.indices { bytes[place] = digest[place] } }
        }
        func number(at place: Int) -> UInt64 {
            (place..<place + 8).reduce(0) { $0 << 8 | UInt64(bytes[$1]) }
        }
        self.init(high: number(at: 0), low: number(at: 8))
    }
}
