import CHiredis
import Glibc

/// The thread on which a client lives.
enum RedisClientThread {
    /// Runs a ``RedisConnectionLoop`` on a new thread until the client is closed.
    static func start(_ core: RedisClientCore) throws(RedisError) {
        // The retain is given to the thread, which releases it; when there is no thread, it is released here.
        let argument = Unmanaged.passRetained(core)
        var thread = pthread_t()
        let code = pthread_create(&thread, nil, run, argument.toOpaque())
        guard code == 0 else {
            argument.release()
            let reason = String(cString: strerror(code))
            throw RedisError(.threadFailed, "the Redis client got no thread (\(reason)): raise the limit of processes")
        }
        pthread_detach(thread)
    }

    private static let run: @convention(c) (UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? = { argument in
        guard let argument else { return nil }
        let core = Unmanaged<RedisClientCore>.fromOpaque(argument).takeRetainedValue()
        // What `ps -L` and debuggers show: "redis-collectord", cut to 15 bytes.
        collectord_name_current_thread("redis-\(core.configuration.clientName)")
        RedisConnectionLoop(core: core).run()
        return nil
    }
}
