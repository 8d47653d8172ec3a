import CollectorTesting

/// Scripts of servers that answer, or not.
enum MisbehavingServer {
    /// Answers every command with its last argument.
    static func echo(_ connection: ScriptedServer.Connection) {
        while let command = connection.readCommand() {
            connection.send(command == ["QUIT"] ? "+OK\r\n" : bulk(command.last ?? ""))
        }
    }

    static func bulk(_ text: String) -> String {
        "$\(text.utf8.count)\r\n\(text)\r\n"
    }

    /// Misbehaves on the first connection after its handshake and first command, behaves on the others.
    static func misbehaving(_ misbehave: @escaping @Sendable (ScriptedServer.Connection) -> Void) throws
        -> ScriptedServer
    {
        try ScriptedServer { connection in
            connection.acceptHandshake()
            if connection.number == 0 {
                _ = connection.readCommand()
                misbehave(connection)
            } else {
                Self.echo(connection)
            }
        }
    }
}
