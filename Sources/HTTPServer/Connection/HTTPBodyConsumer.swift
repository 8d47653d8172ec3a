import NIOCore

/// Who gets the body of the current request.
enum HTTPBodyConsumer {
    case none
    case collect(HTTPBodyCollection)
    case stream(any HTTPBodyReceiver)
}

/// A handler that waits for the whole body.
struct HTTPBodyCollection {
    /// Kept here, and not by the handler, until the body is whole.
    let responder: HTTPResponder
    let failure: ((HTTPBodyFailure) -> HTTPResponse)?
    let then: (ByteBuffer, HTTPResponder) -> Void

    /// Answers that the body cannot be had.
    func fail(_ failure: HTTPBodyFailure) {
        self.responder.respond(failure.response(self.failure))
    }
}

/// The parts of a body on their way to being whole.
struct HTTPBodyAssembly {
    /// Reserved at once at most; a length is only a claim until the bytes are there.
    private static let maximumReservedByteCount = 64 * 1024

    private var bytes = ByteBuffer()
    private var partCount = 0
    private var expectedByteCount = 0
    private(set) var maximumByteCount = 0

    init() {}

    init(expectedByteCount: Int, maximumByteCount: Int) {
        self.expectedByteCount = expectedByteCount
        self.maximumByteCount = maximumByteCount
    }

    /// Adds a part.
    ///
    /// A single one stays where it lies, in the buffer it was read into.
    mutating func append(_ part: ByteBuffer) {
        self.partCount += 1
        switch self.partCount {
        case 1:
            self.bytes = part
        case 2:
            var gathered = ByteBuffer()
            gathered.reserveCapacity(
                max(
                    self.bytes.readableBytes + part.readableBytes,
                    min(self.expectedByteCount, Self.maximumReservedByteCount)
                )
            )
            gathered.writeImmutableBuffer(self.bytes)
            gathered.writeImmutableBuffer(part)
            self.bytes = gathered
        default:
            self.bytes.writeImmutableBuffer(part)
        }
    }

    /// The whole body.
    ///
    /// Nothing is kept.
    mutating func take() -> ByteBuffer {
        let bytes = self.bytes
        self.bytes = ByteBuffer()
        self.partCount = 0
        return bytes
    }
}
