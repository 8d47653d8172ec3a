/// Where accepted events are written before anything else, and kept until every destination is done with them.
///
/// With a queue, a push resolves when its events are on stable storage; each destination then takes them from the
/// queue at its own pace, from its own cursor. Records of held events and dead letters must find room when there is none
/// for new events. Without one, events live in memory, and a push waits for destinations.
///
/// Records have positions: the end of a record lies its byte count and 1 behind its beginning, and names it. Completions
/// are called once, on a thread of the queue's that they must not hold up; those of appends in the order of the records.
public protocol EventQueue: AnyObject, Sendable {
    /// Writes records, all or none. The completion is called when they are on stable storage.
    func append(
        _ batch: EventQueueBatch,
        to stream: EventQueueStream,
        completion: @escaping @Sendable (Result<EventQueueReceipt, EventQueueError>) -> Void
    )

    /// Reads whole records from a position: at least one if there is any, otherwise as many as fit.
    ///
    /// What was released is passed over: the page's first record may begin behind the position.
    func read(
        _ stream: EventQueueStream,
        from position: UInt64,
        maximumByteCount: Int,
        completion: @escaping @Sendable (Result<EventQueuePage, EventQueueError>) -> Void
    )

    /// Where the stream begins and ends, as far as it is on stable storage.
    func bounds(of stream: EventQueueStream) -> EventQueueBounds

    /// The position up to which a reader is done; nil if it has none.
    func cursor(_ name: String, in stream: EventQueueStream) -> UInt64?

    /// How far every reader of a stream is, by the names of their cursors.
    func cursors(in stream: EventQueueStream) -> [String: UInt64]

    /// Gives up events that every reader is done with, because there is no room for more; what is being written comes
    /// first. Calls back with how many bytes of the oldest events have to be given up before the next room is made.
    func makeRoom(completion: @escaping @Sendable (Int) -> Void)

    /// Records of a stream that were given up, since the queue was opened, because there were too many.
    func droppedCount(in stream: EventQueueStream) -> Int

    /// Notes the position up to which a reader is done. The completion is called when that is on stable storage: at
    /// once if it is urgent, else with what is written next, or within a second or so. `count` is how many records were
    /// passed since the last time.
    ///
    /// What every cursor of a stream has passed may be released.
    func setCursor(
        _ name: String,
        in stream: EventQueueStream,
        to position: UInt64,
        passing count: UInt64,
        isUrgent: Bool,
        completion: @escaping @Sendable (Result<Void, EventQueueError>) -> Void
    )

    /// Forgets a cursor, so that it holds nothing any more.
    func removeCursor(_ name: String, in stream: EventQueueStream)
}

/// The streams of a queue.
public enum EventQueueStream: Hashable, Sendable {
    /// All accepted events, in order.
    case events
    /// Events that wait for consent at a destination.
    case held(destination: String)
    /// Events that a destination could not deliver.
    case deadLetters(destination: String)
}

/// Records to be written together.
public struct EventQueueBatch: Sendable {
    /// The records, one after the other.
    public var bytes: [UInt8] = []
    /// The byte count of each.
    public var byteCounts: [Int] = []
    /// The id of each record's event, for leaving out what comes a second time; empty if nothing is to be left out.
    public var ids: [String] = []

    /// No records yet.
    public init() {}

    /// The number of records.
    public var count: Int { byteCounts.count }
}

/// What came of an append.
public struct EventQueueReceipt: Hashable, Sendable {
    /// Where the first of the records begins.
    public var start: UInt64
    /// Which records were left out, from 0 and in order, because events with their ids are there already.
    public var duplicates: [Int]

    /// A receipt.
    public init(start: UInt64, duplicates: [Int] = []) {
        self.start = start
        self.duplicates = duplicates
    }
}

/// Records that were read.
public struct EventQueuePage: Sendable {
    /// One record.
    public struct Record: Hashable, Sendable {
        /// Where it lies in the page's bytes.
        public var range: Range<Int>
        /// The position behind it.
        public var end: UInt64

        /// A record.
        public init(range: Range<Int>, end: UInt64) {
            self.range = range
            self.end = end
        }
    }

    /// The bytes of the records.
    public var bytes: [UInt8]
    /// The records, in order.
    public var records: [Record]
    /// Where to read on.
    public var next: UInt64

    /// A page.
    public init(bytes: [UInt8], records: [Record], next: UInt64) {
        self.bytes = bytes
        self.records = records
        self.next = next
    }
}

/// Where a stream begins and ends.
public struct EventQueueBounds: Hashable, Sendable {
    /// The first position that can be read from.
    public var earliest: UInt64
    /// The position behind the last record.
    public var tail: UInt64
    /// The number of records that are kept.
    public var count: Int
    /// Whether there is such a stream.
    public var isPresent: Bool

    /// A stream that nothing was written to.
    public static let absent = EventQueueBounds(earliest: 0, tail: 0, count: 0, isPresent: false)

    /// Bounds of a stream.
    public init(earliest: UInt64, tail: UInt64, count: Int, isPresent: Bool = true) {
        self.isPresent = isPresent
        self.earliest = earliest
        self.tail = tail
        self.count = count
    }
}

/// Why a queue did not do what it was asked for.
public enum EventQueueError: Error, Hashable, Sendable, CustomStringConvertible {
    /// There is no room. The same may succeed when there is.
    case full(String)
    /// Too much waits to be written. The same may succeed soon.
    case overloaded(String)
    /// The queue cannot be written, or not any more.
    case failed(String)

    /// One sentence.
    public var description: String {
        switch self {
        case .full(let reason), .overloaded(let reason), .failed(let reason): reason
        }
    }
}
