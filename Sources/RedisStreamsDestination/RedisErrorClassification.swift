/// What an error that Redis answered means for the event.
enum RedisErrorClassification: Equatable {
    /// It passes by itself: try again.
    case transient
    /// It passes when somebody changes a setting: try again, but slowly.
    case configuration
    /// It will be the same every time.
    case permanent

    /// By the first word of the error.
    ///
    /// Everything else is permanent.
    static let table: [(code: String, classification: RedisErrorClassification)] = [
        ("LOADING", .transient),  // reads its data set after a start
        ("BUSY", .transient),  // runs a script
        ("OOM", .transient),  // over maxmemory with noeviction
        ("READONLY", .transient),  // a replica, or a primary that is being replaced
        ("MISCONF", .transient),  // cannot save its snapshot
        ("NOAUTH", .configuration),
        ("WRONGPASS", .configuration),
        ("NOPERM", .configuration),
        ("WRONGTYPE", .permanent),  // the key is no stream
    ]

    /// Classifies an error's text.
    init(_ text: String) {
        let code = text.prefix { $0 != " " }
        self = Self.table.first { $0.code == code }?.classification ?? .permanent
    }

    /// How long to wait before the next attempt at least; nil: as long as the collector thinks.
    var delay: Duration? {
        switch self {
        case .transient, .permanent: nil
        case .configuration: .seconds(5)
        }
    }
}
