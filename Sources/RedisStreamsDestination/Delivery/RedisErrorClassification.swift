/// What an error that Redis answered means for the event and for the connection.
struct RedisErrorClassification: Equatable {
    /// What it means for the event.
    enum Meaning: Equatable {
        /// It passes by itself: try again.
        case transient
        /// It passes when somebody changes a setting: try again, but slowly.
        case configuration
        /// It will be the same every time.
        case permanent
        /// Another node of the cluster has the key, from now on.
        case moved
        /// Another node of the cluster has the key, this time.
        case ask
    }

    let meaning: Meaning
    /// True when this connection leads to the wrong server or user: it is closed, and the address looked up again.
    let needsNewConnection: Bool
    /// How long to wait before the next attempt at least; nil: as long as the collector thinks.
    let delay: Duration?

    /// One row: an error's first word, for `ERR` also what else it says, and what that means.
    struct Row: Sendable {
        let code: String
        let phrase: String?
        let classification: RedisErrorClassification

        init(_ code: String, saying phrase: String? = nil, is classification: RedisErrorClassification) {
            self.code = code
            self.phrase = phrase
            self.classification = classification
        }
    }

    /// The first row that fits holds; what fits none is permanent.
    static let table: [Row] = [
        Row("LOADING", is: .transient()),  // reads its data set after a start
        Row("BUSY", is: .transient()),  // runs a script
        Row("OOM", is: .transient(after: .seconds(1))),  // over maxmemory with noeviction
        Row("MISCONF", is: .transient(after: .seconds(1))),  // cannot save its snapshot
        Row("NOREPLICAS", is: .transient(after: .seconds(1))),  // fewer replicas than min-replicas-to-write
        Row("READONLY", is: .transient(newConnection: true)),  // a replica, or a primary that was replaced
        Row("MASTERDOWN", is: .transient(newConnection: true)),  // a replica that lost its primary
        Row("UNBLOCKED", is: .transient(newConnection: true)),  // became a replica while it waited for replicas
        Row("ERR", saying: "max number of clients", is: .transient(newConnection: true)),
        Row("ERR", saying: "Protocol error", is: .transient(newConnection: true)),  // it closes the connection as well
        Row("CLUSTERDOWN", is: .transient()),  // slots without a node, or an election
        Row("TRYAGAIN", is: .transient()),  // a slot is on its way to another node
        Row("MOVED", is: .init(meaning: .moved, needsNewConnection: false, delay: .seconds(5))),
        Row("ASK", is: .init(meaning: .ask, needsNewConnection: false, delay: nil)),
        Row("NOAUTH", is: .configuration(newConnection: true)),  // a password was set meanwhile
        Row("WRONGPASS", is: .configuration(newConnection: true)),
        Row("NOPERM", is: .configuration()),
        Row("DENIED", is: .configuration(newConnection: true)),  // protected mode
        Row("WRONGTYPE", is: .permanent),  // the key is no stream
    ]

    /// Classifies an error's text.
    init(_ text: String) {
        let code = text.prefix { $0 != " " }
        let row = Self.table.first { row in row.code == code && row.phrase.map { text.contains($0) } != false }
        self = row?.classification ?? .permanent
    }

    private init(meaning: Meaning, needsNewConnection: Bool, delay: Duration?) {
        self.meaning = meaning
        self.needsNewConnection = needsNewConnection
        self.delay = delay
    }

    static let permanent = RedisErrorClassification(meaning: .permanent, needsNewConnection: false, delay: nil)

    static func transient(after delay: Duration? = nil, newConnection: Bool = false) -> RedisErrorClassification {
        RedisErrorClassification(meaning: .transient, needsNewConnection: newConnection, delay: delay)
    }

    /// How slowly what needs somebody's hand is tried again.
    static let configurationDelay = Duration.seconds(5)

    static func configuration(newConnection: Bool = false) -> RedisErrorClassification {
        RedisErrorClassification(
            meaning: .configuration,
            needsNewConnection: newConnection,
            delay: configurationDelay
        )
    }
}
