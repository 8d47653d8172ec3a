import NIOCore
import NIOHTTP2

extension HTTP2Connection {
    /// Makes a channel an HTTP/2 connection.
    ///
    /// What else a channel needs, such as TLS, goes in front of these handlers.
    static func configure(
        _ channel: any Channel,
        handler: any HTTPHandler,
        environment: HTTPConnectionEnvironment
    ) throws {
        let connection = HTTP2Connection(channel: channel, handler: handler, environment: environment)
        let multiplexer = NIOHTTP2Handler(
            mode: .server,
            eventLoop: channel.eventLoop,
            connectionConfiguration: Self.connectionConfiguration(environment.limits),
            streamConfiguration: Self.streamConfiguration
        ) { stream in
            stream.eventLoop.makeCompletedFuture {
                // Frames wait, and with them the client, until the stream has a use for them.
                try stream.syncOptions?.setOption(.autoRead, value: false)
                try stream.pipeline.syncOperations.addHandler(HTTP2Stream(channel: stream, connection: connection))
            }
        }
        try channel.pipeline.syncOperations.addHandlers([
            HTTP2OutputWatch(connection: connection), multiplexer, connection,
        ])
    }

    /// What one connection may do.
    ///
    /// A connection that does more is closed, with `ENHANCE_YOUR_CALM`. Each bound is above what busy clients do: 100
    /// streams at a time, all of them cancelled three times in ten seconds; a PING, SETTINGS or PRIORITY frame every ten
    /// milliseconds; a header in five frames of 16 KiB. The times of such frames are remembered, up to the bound, which
    /// is why the spans are short.
    private static func connectionConfiguration(_ limits: HTTPLimits) -> NIOHTTP2Handler.ConnectionConfiguration {
        var configuration = NIOHTTP2Handler.ConnectionConfiguration()
        // HPACK counts 32 bytes more for each field. Its bound stops what grows without end; HTTPRequestFraming finds
        // what is just over a limit.
        let headerByteCount = limits.maximumURILength + limits.maximumHeaderByteCount
        let overheadByteCount = 32 * (limits.maximumHeaderFieldCount + 4)
        configuration.initialSettings = [
            HTTP2Setting(parameter: .maxConcurrentStreams, value: 100),
            HTTP2Setting(parameter: .initialWindowSize, value: Self.windowByteCount),
            HTTP2Setting(parameter: .maxHeaderListSize, value: 2 * (headerByteCount + overheadByteCount)),
        ]
        configuration.targetWindowSize = 16 * Self.windowByteCount
        configuration.maximumSequentialEmptyDataFrames = 10
        configuration.maximumBufferedControlFrames = 1_000
        configuration.maximumSequentialContinuationFrames = 5
        // Early answers reset their streams: what was under way to them must not be an error.
        configuration.maximumRecentlyResetStreams = 200
        configuration.maximumConnectionGlitches = 200
        configuration.controlFrameRateLimit.maximumCount = 1_000
        configuration.controlFrameRateLimit.windowLength = .seconds(10)
        return configuration
    }

    private static var streamConfiguration: NIOHTTP2Handler.StreamConfiguration {
        var configuration = NIOHTTP2Handler.StreamConfiguration()
        configuration.targetWindowSize = self.windowByteCount
        configuration.outboundBufferSizeHighWatermark = 64 * 1024
        configuration.outboundBufferSizeLowWatermark = 32 * 1024
        configuration.streamResetFrameRateLimit.maximumCount = 300
        configuration.streamResetFrameRateLimit.windowLength = .seconds(10)
        configuration.streamErrorRateLimit.maximumCount = 100
        configuration.streamErrorRateLimit.windowLength = .seconds(10)
        return configuration
    }

    /// What a client may send of a body before it is read: the memory that a paused stream may take.
    private static let windowByteCount = 65_535
}
