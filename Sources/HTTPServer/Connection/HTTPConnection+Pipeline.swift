import NIOCore
import NIOHTTP1

extension HTTPConnection {
    /// Makes a channel an HTTP/1.1 connection.
    ///
    /// What else a channel needs, such as TLS, goes in front of these handlers.
    static func configure(
        _ channel: any Channel,
        handler: any HTTPHandler,
        environment: HTTPConnectionEnvironment
    ) throws {
        let limits = environment.limits
        // The decoder counts the target together with the fields and cannot tell which was too large. Its bounds stop
        // what grows without end; HTTPRequestFraming finds what is just over a limit.
        var decoderLimits = NIOHTTPDecoderLimitConfiguration()
        decoderLimits.maxHeaderFieldSize = max(limits.maximumURILength, limits.maximumHeaderByteCount)
        decoderLimits.maxHeaderListSize = limits.maximumURILength + limits.maximumHeaderByteCount
        decoderLimits.maxHeaderFieldCount = limits.maximumHeaderFieldCount
        let connection = HTTPConnection(channel: channel, handler: handler, environment: environment)
        let decoder = HTTPRequestDecoder(
            leftOverBytesStrategy: .dropBytes,
            informationalResponseStrategy: .drop,
            limitConfiguration: decoderLimits
        )
        try channel.pipeline.syncOperations.addHandlers([
            HTTPInputGate(connection: connection),
            ByteToMessageHandler(decoder),
            connection,
        ])
    }
}
