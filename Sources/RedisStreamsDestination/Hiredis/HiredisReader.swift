import CHiredis

/// hiredis' parser of replies, with a limit on their size that hiredis does not have.
final class HiredisReader {
    /// What the reader found in the bytes it was fed.
    enum Parsed: Equatable {
        /// A complete reply; it is in the builder.
        case reply
        /// Not enough bytes yet.
        case incomplete
        /// A reply that is larger than allowed; the connection is of no use any more.
        case tooLarge(RedisError)
        /// Not RESP; the connection is of no use any more.
        case violation(RedisError)
    }

    private let reader: UnsafeMutablePointer<redisReader>
    private let functions: UnsafeMutablePointer<redisReplyObjectFunctions>
    private let builder: UnsafeMutablePointer<RedisReplyBuilder>

    /// A reader whose replies go to `builder`, which must outlive it.
    init(builder: UnsafeMutablePointer<RedisReplyBuilder>) throws(RedisError) {
        let functions = HiredisReplyFunctions.makeTable()
        guard let reader = redisReaderCreateWithFunctions(functions) else {
            functions.deallocate()
            throw RedisError(.connectionFailed, "no memory for a connection to Redis")
        }
        self.reader = reader
        self.functions = functions
        self.builder = builder
        reader.pointee.privdata = UnsafeMutableRawPointer(builder)
        // hiredis frees an empty buffer that is larger than this, and allocates it anew; 0: it keeps it.
        reader.pointee.maxbuf = 0
    }

    deinit {
        // The reader calls freeObject of the table, so the table goes last.
        redisReaderFree(reader)
        functions.deallocate()
    }

    /// Gives the reader more bytes.
    func feed(_ bytes: UnsafeRawBufferPointer) {
        // A failure is kept in the reader and reported by the next call of nextReply.
        _ = redisReaderFeed(reader, bytes.bindMemory(to: CChar.self).baseAddress, bytes.count)
    }

    /// Takes the next complete reply out of what was fed.
    func nextReply() -> Parsed {
        var reply: UnsafeMutableRawPointer?
        guard redisReaderGetReply(reader, &reply) == REDIS_OK else {
            if builder.pointee.refusedSize { return .tooLarge(sizeError) }
            let reason = "Redis sent something that is not RESP: \(errorText)"
            return .violation(RedisError(.protocolViolation, reason))
        }
        if reply != nil {
            builder.pointee.finishReply()
            return .reply
        }
        return unparsedBytes + builder.pointee.partialBytes <= maximumReplyBytes ? .incomplete : .tooLarge(sizeError)
    }

    private var maximumReplyBytes: Int { builder.pointee.maximumReplyBytes }

    private var sizeError: RedisError {
        RedisError(.protocolViolation, "Redis sent a reply of more than \(maximumReplyBytes) bytes")
    }

    private var errorText: String {
        withUnsafeBytes(of: &reader.pointee.errstr) { RedisText.printable($0.prefix { $0 != 0 }) }
    }

    /// The bytes of a value that is not complete.
    ///
    /// When it announced its length, that length counts already.
    private var unparsedBytes: Int {
        guard let buffer = reader.pointee.buf else { return 0 }
        let rest = UnsafeRawBufferPointer(start: buffer, count: reader.pointee.len)[reader.pointee.pos...]
        guard isReadingBulk else { return rest.count }
        var announced = 0
        for byte in rest.prefix(18) {
            guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) else { break }
            announced = announced * 10 + Int(byte - UInt8(ascii: "0"))
        }
        return max(announced, rest.count)
    }

    // The reader has taken the $ already; the length stands where it goes on.
    private var isReadingBulk: Bool {
        let depth = Int(reader.pointee.ridx)
        return withUnsafeBytes(of: &reader.pointee.rstack) { bytes in
            let tasks = bytes.assumingMemoryBound(to: redisReadTask.self)
            return tasks.indices.contains(depth) && tasks[depth].type == REDIS_REPLY_STRING
        }
    }
}
