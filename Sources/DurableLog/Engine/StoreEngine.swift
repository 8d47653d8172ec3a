import Synchronization

/// The calls of a store on its core, and what is called back when the lock was given back.
///
/// Without a flusher (in memory), what is enqueued is published at once.
final class StoreEngine: Sendable {
    let core: Mutex<StoreCore>
    let clock: StoreClock
    /// Wakes the flusher; `nil`: there is none.
    let flusherSignal: ThreadSignal?
    /// Raised when something came into segments while the flusher paces.
    let copiedSignal = ThreadSignal()
    /// Reads what is not in memory.
    let segmentReader: (any SegmentReading)?

    init(
        _ core: sending StoreCore,
        clock: StoreClock,
        flusherSignal: ThreadSignal? = nil,
        segmentReader: (any SegmentReading)? = nil
    ) {
        self.core = Mutex(core)
        self.clock = clock
        self.flusherSignal = flusherSignal
        self.segmentReader = segmentReader
    }

    /// Sees to it that what was enqueued is written.
    func settle() {
        guard let flusherSignal else {
            publishAll()
            return
        }
        let sleeps = core.withLock { core in
            let sleeps = core.flusherSleeps
            core.flusherSleeps = false
            return sleeps
        }
        if sleeps { flusherSignal.raise() }
    }

    /// In memory, written is durable.
    private func publishAll() {
        let time = clock.now()
        while true {
            let callbacks = core.withLock { core -> StoreCallbacks? in
                guard let group = core.takeGroup() else { return nil }
                return core.publish(group, time, keepsUncopied: false)
            }
            guard let callbacks else { return }
            callbacks.run()
        }
    }

    func append(
        _ bytes: UnsafeRawBufferPointer,
        to name: String,
        _ options: AppendOptions,
        completion: @escaping StoreCompletion<AppendReceipt>
    ) {
        let time = clock.now()
        var sleeps = false
        let answer = core.withLock { core in
            let answer = core.append(bytes, to: name, options, time, completion: completion)
            sleeps = core.flusherSleeps
            core.flusherSleeps = false
            return answer
        }
        if case .now(let result) = answer { completion(result) }
        if let flusherSignal {
            if sleeps { flusherSignal.raise() }
        } else {
            publishAll()
        }
    }

    func create(
        _ name: String,
        _ options: CreateOptions,
        _ bytes: UnsafeRawBufferPointer,
        completion: @escaping StoreCompletion<CreateReceipt>
    ) {
        if let origin = options.origin, origin.subOffset > 0 {
            createWithPrefix(name, options, origin, Array(bytes), completion)
        } else {
            create(name, options, bytes, byteCounts: options.messageByteCounts, completion)
        }
    }

    private func create(
        _ name: String,
        _ options: CreateOptions,
        _ bytes: UnsafeRawBufferPointer,
        byteCounts: [Int],
        _ completion: @escaping StoreCompletion<CreateReceipt>
    ) {
        let time = clock.now()
        let answer = core.withLock { core in
            core.create(name, options, bytes, byteCounts: byteCounts, time, completion: completion)
        }
        if case .now(let result) = answer { completion(result) }
        settle()
    }

    /// A fork whose first messages are copied from its origin: read, then created.
    private func createWithPrefix(
        _ name: String,
        _ options: CreateOptions,
        _ origin: ForkOrigin,
        _ bytes: [UInt8],
        _ completion: @escaping StoreCompletion<CreateReceipt>
    ) {
        let time = clock.now()
        let found = core.withLock { core -> Result<(Bool, UInt64), StreamStoreError> in
            do throws(StreamStoreError) {
                try core.checkOpen()
                if try core.existing(name, options, time) != nil { return .success((true, 0)) }
                return .success((false, try core.forkSource(origin, contentType: options.contentType, time).position))
            } catch {
                return .failure(error)
            }
        }
        switch found {
        case .failure(let error): completion(.failure(error))
        case .success((true, _)):
            bytes.withUnsafeBytes { create(name, options, $0, byteCounts: options.messageByteCounts, completion) }
        case .success((false, let position)):
            var fixed = options
            fixed.origin?.offset = StreamOffset(position: position)
            collectPrefix(origin, from: position, gathered: ForkPrefix()) { [fixed] result in
                switch result {
                case .failure(let error): completion(.failure(error))
                case .success(let prefix):
                    let (all, counts) = prefix.followed(by: bytes, fixed.messageByteCounts)
                    all.withUnsafeBytes { self.create(name, fixed, $0, byteCounts: counts, completion) }
                }
            }
        }
    }

    /// Reads on until the sub-offset is reached.
    private func collectPrefix(
        _ origin: ForkOrigin,
        from position: UInt64,
        gathered: ForkPrefix,
        _ completion: @escaping StoreCompletion<ForkPrefix>
    ) {
        let isList = core.withLock { core in
            core.durable.slot(named: origin.source).flatMap { core.durable.streams[$0]?.definition.isMessageList }
                ?? false
        }
        read(origin.source, from: StreamOffset(position: position), maximumByteCount: 1 << 20) { result in
            switch result {
            case .failure(let error): completion(.failure(error == .absent ? .originAbsent : error))
            case .success(let page):
                var gathered = gathered
                switch gathered.take(page, upTo: origin.subOffset, isList: isList) {
                case .complete: completion(.success(gathered))
                case .beyond: completion(.failure(.originBeyondTail))
                case .more:
                    self.collectPrefix(origin, from: page.next.position, gathered: gathered, completion)
                }
            }
        }
    }

    func read(
        _ name: String,
        from offset: StreamOffset,
        maximumByteCount: Int,
        isAgain: Bool = false,
        completion: @escaping StoreCompletion<StreamPage>
    ) {
        let time = clock.now()
        let plan = core.withLock { core in
            core.planRead(name, from: offset, maximumByteCount: maximumByteCount, time)
        }
        // An access may have been noted.
        if flusherSignal == nil { publishAll() }
        switch plan {
        case .failure(let error): completion(.failure(error))
        case .success(let plan):
            guard let segmentReader, !plan.isInMemory else {
                completion(.success(plan.pageFromMemory()))
                return
            }
            // A file that is gone between planning and reading was released: the next plan says so. If it is still in
            // that plan, it is lost, and passed over.
            segmentReader.read(plan, passingOverMissingFiles: isAgain) { result in
                if case .failure(.gone) = result, !isAgain {
                    self.read(
                        name,
                        from: offset,
                        maximumByteCount: maximumByteCount,
                        isAgain: true,
                        completion: completion
                    )
                } else {
                    completion(result)
                }
            }
        }
    }

    func wait(in name: String, after offset: StreamOffset, completion: @escaping StoreCompletion<WaitOutcome>)
        -> WaitToken?
    {
        let time = clock.now()
        let (token, outcome) = core.withLock { core in
            core.wait(in: name, after: offset, time, completion: completion)
        }
        if let outcome { completion(outcome) }
        if flusherSignal == nil { publishAll() }
        return token
    }

    func change(
        _ name: String,
        wakesFlusher: Bool = true,
        completion: @escaping StoreCompletion<Void>,
        _ operation: @Sendable (StreamState) -> Result<StoreOperation?, StreamStoreError>
    ) {
        let time = clock.now()
        let answer = core.withLock { core in
            core.change(name, time, completion: completion) { state throws(StreamStoreError) in
                try operation(state).get()
            }
        }
        if case .now(let result) = answer { completion(result) }
        if wakesFlusher || flusherSignal == nil { settle() }
    }
}
