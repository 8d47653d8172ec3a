import CHiredis

/// The functions that hiredis' reader calls for every value it finds.
///
/// hiredis would allocate a `redisReply` for each; these append to a ``RedisReplyBuilder`` instead, to which the
/// reader's `privdata` points. hiredis only wants an address that is not NULL in return; NULL stops the reader.
///
/// Related documentation: <https://github.com/redis/hiredis#reply-parsing-api>
enum HiredisReplyFunctions {
    /// The table to put into `redisReader.fn`.
    ///
    /// The caller frees it after the reader.
    static func makeTable() -> UnsafeMutablePointer<redisReplyObjectFunctions> {
        let table = UnsafeMutablePointer<redisReplyObjectFunctions>.allocate(capacity: 1)
        table.initialize(
            to: redisReplyObjectFunctions(
                createString: addString,
                createArray: addArray,
                createInteger: addInteger,
                createNil: addNull,
                freeObject: freeNothing
            )
        )
        return table
    }

    private typealias Task = UnsafePointer<redisReadTask>

    private static let addString:
        @convention(c) (Task?, UnsafeMutablePointer<CChar>?, Int) -> UnsafeMutableRawPointer? = { task, text, length in
            guard let task, let builder = builder(of: task) else { return nil }
            let kind: RedisReplies.Node.Kind =
                switch task.pointee.type {
                case REDIS_REPLY_ERROR: .error
                case REDIS_REPLY_STATUS: .status
                default: .bulk
                }
            let bytes = UnsafeRawBufferPointer(start: text, count: length)
            return answer(builder.pointee.add(kind, text: bytes))
        }

    private static let addArray: @convention(c) (Task?, Int32) -> UnsafeMutableRawPointer? = { task, elementCount in
        guard let task, let builder = builder(of: task) else { return nil }
        return answer(builder.pointee.add(arrayOf: Int(elementCount)))
    }

    private static let addInteger: @convention(c) (Task?, Int64) -> UnsafeMutableRawPointer? = { task, value in
        guard let task, let builder = builder(of: task) else { return nil }
        return answer(builder.pointee.add(integer: Int(value)))
    }

    private static let addNull: @convention(c) (Task?) -> UnsafeMutableRawPointer? = { task in
        guard let task, let builder = builder(of: task) else { return nil }
        return answer(builder.pointee.addNull())
    }

    private static let freeNothing: @convention(c) (UnsafeMutableRawPointer?) -> Void = { _ in }

    private static func builder(of task: Task) -> UnsafeMutablePointer<RedisReplyBuilder>? {
        task.pointee.privdata?.assumingMemoryBound(to: RedisReplyBuilder.self)
    }

    private static func answer(_ goesOn: Bool) -> UnsafeMutableRawPointer? {
        goesOn ? UnsafeMutableRawPointer(bitPattern: 1) : nil
    }
}
