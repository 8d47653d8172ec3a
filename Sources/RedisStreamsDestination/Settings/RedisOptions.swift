import Glibc

/// The options by name, as ioredis calls them: how each is read, what it may be, where it goes.
///
/// Each function throws a sentence that names the option and the remedy and never repeats a secret.
enum RedisOptions {
    static let ports = 1...65_535
    static let databases = 0...Int(Int32.max)
    static let timeouts = 1...3_600_000
    static let keepAlives = 0...3_600_000

    /// The options that mean something here.
    static let names = [
        "host", "port", "path", "username", "password", "db", "connectionName", "connectTimeout", "commandTimeout",
        "keepAlive", "tls", "sentinels", "name", "sentinelUsername", "sentinelPassword", "sentinelTLS",
    ]

    /// Options of ioredis that steer its own client and change nothing about what is written: accepted, no effect.
    static let namesWithoutEffect = [
        "autoPipeliningIgnoredCommands", "autoResendUnfulfilledCommands", "autoResubscribe", "disconnectTimeout",
        "enableTLSForSentinelMode", "failoverDetector", "sentinelCommandTimeout", "sentinelMaxConnections",
        "sentinelReconnectStrategy", "sentinelRetryStrategy", "updateSentinels", "enableAutoPipelining",
        "enableOfflineQueue", "enableReadyCheck", "family", "lazyConnect",
        "maxLoadingRetryTime",
        "maxRetriesPerRequest", "noDelay", "showFriendlyErrorStack", "socketTimeout", "stringNumbers",
    ]

    /// Options of ioredis that would change where or how events are written, and why they are refused.
    static let unsupported: [(name: String, reason: String)] = [
        (
            "natMap",
            "is not supported: Redis announces its own addresses, set replica-announce-ip or cluster-announce-ip"
        ),
        ("keyPrefix", "is not supported: write the prefix into streamKey"),
        ("readOnly", "is not supported: events are written, so name a primary"),
    ]

    /// The options that may stand in a url after `?`.
    static let namesInURL = [
        "ca", "cert", "commandTimeout", "connectTimeout", "connectionName", "db", "keepAlive", "key", "servername",
    ]

    /// Sets an option that stands in a url after `?`.
    static func set(
        _ name: String,
        toText text: String,
        in configuration: inout RedisConfiguration
    ) throws(RedisError) {
        let field = "the option \(name) of the Redis url"
        switch name {
        case "db": configuration.database = try number(text, in: databases, field: field)
        case "connectTimeout":
            configuration.connectTimeout = .milliseconds(try number(text, in: timeouts, field: field))
        case "commandTimeout":
            configuration.commandTimeout = .milliseconds(try number(text, in: timeouts, field: field))
        case "keepAlive":
            configuration.keepAlive = .milliseconds(try number(text, in: keepAlives, field: field))
        case "connectionName":
            try checkClientName(text, field: field)
            configuration.clientName = text
        case "ca", "cert", "key", "servername":
            guard configuration.tls != nil else {
                throw RedisError(.invalidConfiguration, "\(field) is for TLS: begin the url with rediss://")
            }
            try RedisTLSOptions.set(name, to: text, field: field, in: &configuration.tls)
        default:
            // The name is not repeated: a ? inside a password would show a part of it.
            let known = namesInURL.joined(separator: ", ")
            throw RedisError(
                .invalidConfiguration,
                "the Redis url has an unknown option after the ?: known are \(known); write ? inside a password as %3F"
            )
        }
    }

    private static func number(_ text: String, in range: ClosedRange<Int>, field: String) throws(RedisError) -> Int {
        guard let number = wholeNumber(text[...], in: range) else {
            throw RedisError(
                .invalidConfiguration,
                "\(field) must be a whole number from \(range.lowerBound) to \(range.upperBound)"
            )
        }
        return number
    }

    /// A number in plain decimal digits, if it is in the range.
    static func wholeNumber(_ text: Substring, in range: ClosedRange<Int>) -> Int? {
        guard text.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }) else { return nil }
        return Int(text).flatMap { range.contains($0) ? $0 : nil }
    }

    /// True for a host name or address: not empty, nothing that a resolver would not take.
    static func isHost(_ text: some StringProtocol) -> Bool {
        !text.isEmpty && text.utf8.count <= 255
            && text.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "_"),
                    UInt8(ascii: ":"), UInt8(ascii: "%"):
                    true
                default: false
                }
            }
    }

    /// Checks a unix socket's path.
    static func checkSocketPath(_ path: String, field: String) throws(RedisError) {
        let limit = MemoryLayout.size(ofValue: sockaddr_un().sun_path) - 1
        guard path.hasPrefix("/") else {
            throw RedisError(.invalidConfiguration, "\(field) must name a socket by its absolute path")
        }
        guard path.utf8.count <= limit, !path.utf8.contains(0) else {
            throw RedisError(
                .invalidConfiguration,
                "\(field) is one that no socket can have: at most \(limit) bytes, no NUL"
            )
        }
    }

    /// Checks the name for CLIENT SETNAME.
    static func checkClientName(_ name: String, field: String) throws(RedisError) {
        guard !name.isEmpty, name.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
            throw RedisError(
                .invalidConfiguration,
                "\(field) must be printable ASCII without spaces: Redis takes no other connection names"
            )
        }
    }
}
