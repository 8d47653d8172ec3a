/// One connection: a transport for the bytes and a reader for the replies.
///
/// It is made, used and freed on the client's thread only.
final class RedisConnection {
    let transport: any RedisTransport
    let reader: HiredisReader

    init(transport: any RedisTransport, reader: HiredisReader) {
        self.transport = transport
        self.reader = reader
    }

    /// Begins to connect; poll the transport, then call its `open`.
    ///
    /// A host name is resolved before this returns. Replies go to `builder`, which must outlive the connection.
    convenience init(
        to endpoint: RedisConfiguration.Endpoint,
        configuration: RedisConfiguration,
        builder: UnsafeMutablePointer<RedisReplyBuilder>
    ) throws(RedisError) {
        let socket = try HiredisSocket(to: endpoint, configuration: configuration)
        let transport: any RedisTransport
        if let tls = configuration.tls {
            transport = try TLSTransport(over: socket, endpoint: endpoint, settings: tls)
        } else {
            transport = socket
        }
        self.init(transport: transport, reader: try HiredisReader(builder: builder))
    }
}
