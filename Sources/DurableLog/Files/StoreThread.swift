import CStorage
import Glibc

/// A thread of the store's own: nothing that blocks runs on the cooperative pool.
enum StoreThread {
    private final class Work: Sendable {
        let run: @Sendable () -> Void

        init(_ run: @escaping @Sendable () -> Void) { self.run = run }
    }

    /// Starts a thread that ends with the closure.
    static func start(_ name: String, _ run: @escaping @Sendable () -> Void) {
        let work = Unmanaged.passRetained(Work(run))
        var thread = pthread_t()
        let failure = pthread_create(
            &thread,
            nil,
            { argument in
                guard let argument else { return nil }
                Unmanaged<Work>.fromOpaque(argument).takeRetainedValue().run()
                return nil
            },
            work.toOpaque()
        )
        guard failure == 0 else {
            // Without a thread there is no other way to go on than here.
            work.takeRetainedValue().run()
            return
        }
        pthread_setname_np(thread, String(name.prefix(15)))
        pthread_detach(thread)
    }
}
