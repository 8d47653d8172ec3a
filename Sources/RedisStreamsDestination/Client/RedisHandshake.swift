/// The commands that open every connection, and what their replies mean.
///
/// They are written together. Nothing else is written before all of them are answered.
struct RedisHandshake: Sendable {
    /// One command of the handshake.
    enum Step: Sendable, Equatable {
        case authenticate
        case select(database: Int)
        case setName
        /// Asks whether the server is the primary that Sentinel named.
        case role
        /// Asks what the server does when its memory is full.
        case inspect
        /// Answered with an error as long as Redis loads its data set.
        case ping
    }

    /// What a reply to a step means.
    enum Verdict: Equatable {
        /// Go on.
        case accepted
        /// Close the connection and try again later; Redis is not ready for clients now.
        case unavailable(RedisError)
        /// Close the connection; only a change of settings helps, so that waiting commands fail now.
        case refused(RedisError)
    }

    let steps: [Step]
    let bytes: [UInt8]
    /// What to ask whoever reads that the server said nothing.
    let timeoutRemedy: String

    init(configuration: RedisConfiguration) {
        var steps: [Step] = []
        var encoder = RESPEncoder()
        switch (configuration.username, configuration.password) {
        case (nil, nil): break
        case (nil, let password?):
            encoder.command(["AUTH", password.revealed])
            steps.append(.authenticate)
        case (let username?, let password):
            encoder.command(["AUTH", username, password?.revealed ?? ""])
            steps.append(.authenticate)
        }
        if configuration.database != 0 {
            encoder.command(["SELECT", String(configuration.database)])
            steps.append(.select(database: configuration.database))
        }
        encoder.command(["CLIENT", "SETNAME", configuration.clientName])
        steps.append(.setName)
        if configuration.sentinel != nil {
            encoder.command(["ROLE"])
            steps.append(.role)
        }
        if configuration.inspectsServer {
            encoder.command(["INFO", "memory"])
            steps.append(.inspect)
        }
        encoder.command(["PING"])
        steps.append(.ping)
        // A server without TLS takes the beginning of TLS for the beginning of a command, and waits for the rest.
        timeoutRemedy = configuration.tls == nil ? "" : ": does it speak TLS on this port (tls-port)?"
        self.steps = steps
        self.bytes = encoder.bytes
    }

    /// Judges the reply to a step.
    static func judge(_ reply: RedisReply, of step: Step) -> Verdict {
        guard case .error(let text) = reply else { return judgeRole(reply, of: step) }
        let code = text.prefix { $0 != " " }
        switch (code, step) {
        case ("NOAUTH", _):
            return .refused(
                handshakeError("Redis wants a password: set redis.options.password, or put it into redis.url")
            )
        case ("WRONGPASS", .authenticate), ("NOPERM", .authenticate):
            return .refused(
                handshakeError(
                    "Redis refused the user name or the password (\(code)): check redis.url or redis.options"
                )
            )
        case ("ERR", .authenticate):
            return judgeAuthentication(text)
        case ("ERR", .select(let database)) where text.contains("DB index"):
            return .refused(
                handshakeError(
                    "Redis has no database \(database): lower redis.options.db, or raise databases in redis.conf"
                )
            )
        case ("NOPERM", .select(let database)):
            return .refused(
                handshakeError("the Redis user may not SELECT database \(database): allow it, or use another user")
            )
        case ("ERR", .setName) where text.contains("CLIENT") || text.contains("unknown"), ("NOPERM", .setName),
            ("ERR", .role) where text.contains("unknown"), ("NOPERM", .role),
            ("ERR", .inspect) where text.contains("unknown"), ("NOPERM", .inspect), ("NOPERM", .ping):
            // Conveniences; an older server, or a user without the right, does without them.
            return .accepted
        default:
            return .unavailable(RedisError(.connectionFailed, "Redis does not take clients now: \(text)"))
        }
    }

    /// Sentinel may name a server a moment before it is the primary, or after it ceased to be.
    private static func judgeRole(_ reply: RedisReply, of step: Step) -> Verdict {
        guard step == .role, case .array(let elements) = reply, let role = elements.first?.text, role != "master"
        else { return .accepted }
        return .unavailable(RedisError(.connectionFailed, "the server that Sentinel named is no primary (yet)"))
    }

    // The server's own text is not used here: some servers repeat the arguments, the password among them.
    private static func judgeAuthentication(_ text: String) -> Verdict {
        if text.contains("max number of clients") {
            return .unavailable(RedisError(.connectionFailed, "Redis does not take clients now: \(text)"))
        }
        if text.contains("without any password configured") || text.contains("no password is set") {
            return .refused(
                handshakeError("Redis has no password, but one is configured: remove it, or set requirepass")
            )
        }
        return .refused(handshakeError("Redis refused the command AUTH (ERR): check redis.url or redis.options"))
    }

    private static func handshakeError(_ message: String) -> RedisError {
        RedisError(.handshakeRefused, message)
    }
}
