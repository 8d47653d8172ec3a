import NIOCore

/// The bytes of answers, on their way to the channel.
extension HTTPConnection {
    /// Bodies up to this size are copied behind their head, so that both are one write of one buffer.
    private static let maximumCopiedByteCount = 16 * 1024

    /// Beyond this size the outbound buffer is handed to the channel, and given back to the allocator.
    static let maximumOutboundByteCount = 64 * 1024

    func sendContinue() {
        self.prepareOutbound()
        self.outbound.writeStaticString("HTTP/1.1 100 Continue\r\n\r\n")
        self.needsFlush = true
    }

    /// Puts a part of a body behind what is there: a small one into the same buffer, a large one as it lies.
    func writePart(_ part: ByteBuffer) {
        self.request.responseByteCount += part.readableBytes
        if part.readableBytes <= Self.maximumCopiedByteCount {
            self.outbound.writeImmutableBuffer(part)
        } else {
            self.sendOutbound(nil)
            self.writes.writtenByteCount += part.readableBytes
            self.context?.write(Self.wrapOutboundOut(part), promise: nil)
        }
    }

    /// Makes the outbound buffer ready for more.
    ///
    /// One that the channel is done with is used again, without allocating.
    func prepareOutbound() {
        guard self.outboundIsSent else { return }
        self.outboundIsSent = false
        if self.outbound.capacity > Self.maximumOutboundByteCount {
            self.outbound = self.channel.allocator.buffer(capacity: 512)
        } else {
            self.outbound.clear(minimumCapacity: 512)
        }
    }

    /// Hands what is serialised to the channel, in order.
    ///
    /// Nothing is flushed.
    func sendOutbound(_ promise: EventLoopPromise<Void>?) {
        let isEmpty = self.outboundIsSent || self.outbound.readableBytes == 0
        guard !isEmpty || promise != nil else { return }
        self.outboundIsSent = true
        let bytes = isEmpty ? ByteBuffer() : self.outbound
        self.writes.writtenByteCount += bytes.readableBytes
        self.context?.write(Self.wrapOutboundOut(bytes), promise: promise)
    }

    func flushIfNeeded() {
        guard self.needsFlush else { return }
        self.needsFlush = false
        self.sendOutbound(nil)
        self.context?.flush()
    }
}
