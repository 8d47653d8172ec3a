/// Why a store refused something, with what an answer needs to say.
public enum StreamStoreError: Error, Hashable, Sendable {
    /// There is no such stream, or it has expired.
    case absent
    /// The stream was deleted, and is kept only for its forks.
    case deleted
    /// A name is empty or longer than 1 024 bytes.
    case invalidName
    /// There is a stream of that name, created as something else.
    case conflict
    /// The origin of a fork is absent, or has expired.
    case originAbsent
    /// The origin of a fork was deleted.
    case originDeleted
    /// A fork offset or sub-offset lies beyond the origin's data.
    case originBeyondTail
    /// A fork names another media type than its origin has.
    case originTypeConflict
    /// An append without a message that closes nothing.
    case empty
    /// Byte counts, keys or numbers of an append that do not fit together; the text says which.
    case malformed(String)
    /// An append or a creation is larger than a store takes.
    case tooLarge(maximumByteCount: Int)
    /// The stream is closed.
    case closed(tail: StreamOffset)
    /// The media type is not the stream's.
    case typeConflict(expected: String)
    /// The producer was fenced off by a higher epoch.
    case staleEpoch(current: UInt64, tail: StreamOffset)
    /// A new epoch, or a new producer's first epoch, must begin with sequence number 0.
    case epochStart(tail: StreamOffset)
    /// A producer's sequence number leaves a gap.
    case producerGap(expected: UInt64, received: UInt64, tail: StreamOffset)
    /// The sequence value is not greater than the last.
    case sequenceConflict(last: String, tail: StreamOffset)
    /// What is asked for was released.
    case gone(earliest: StreamOffset)
    /// There is no room: on the disk, or under the store's limit. Trying later may help.
    case full(String)
    /// More waits to be written than the store takes on. Trying later helps.
    case overloaded
    /// A write could not be made durable; nothing is acknowledged until the store is opened anew.
    case fenced(String)
    /// The store was closed.
    case storeClosed
    /// Reading failed; the text names file and reason.
    case unreadable(String)
}

extension StreamStoreError: CustomStringConvertible {
    /// One sentence.
    public var description: String {
        switch self {
        case .absent: "there is no such stream"
        case .deleted: "the stream was deleted and is kept only for its forks"
        case .invalidName: "a stream's name has 1 to 1024 bytes"
        case .conflict: "the stream exists and was created as something else"
        case .originAbsent: "the stream to fork from does not exist"
        case .originDeleted: "the stream to fork from was deleted"
        case .originBeyondTail: "the place to fork at lies beyond the data of its stream"
        case .originTypeConflict: "a fork has the media type of its origin"
        case .empty: "an append needs a message, or closes the stream"
        case .malformed(let what): what
        case .tooLarge(let maximum): "one append holds at most \(maximum) bytes"
        case .closed(let tail): "the stream was closed at \(tail)"
        case .typeConflict(let expected): "the stream's media type is \(expected)"
        case .staleEpoch(let current, _): "the producer's epoch was superseded by \(current)"
        case .epochStart: "a producer's epoch begins with sequence number 0"
        case .producerGap(let expected, let received, _):
            "the producer's next sequence number is \(expected), not \(received)"
        case .sequenceConflict(let last, _):
            "the sequence value is not greater than the last (\(last.utf8.count) bytes)"
        case .gone(let earliest): "what is asked for was released; the stream begins at \(earliest)"
        case .full(let why): why
        case .overloaded: "more waits to be written than the store takes on; try again later"
        case .fenced(let why): "nothing is acknowledged any more until the store is opened anew: \(why)"
        case .storeClosed: "the store is closed"
        case .unreadable(let why): why
        }
    }
}

/// What is called when something is decided: once, on a thread of the store's, and expected to return soon.
public typealias StoreCompletion<Value> = @Sendable (Result<Value, StreamStoreError>) -> Void
