import Glibc
import Synchronization
import Testing

@testable import DurableLog

@Suite("Full and fenced")
struct FullAndFencedTests {
    @Test("a full disk refuses, keeps what was acknowledged, and takes again when there is room")
    func full() async throws {
        let machine = SimulatedMachine()
        var limits = StoreLimits().inSmallFiles
        limits.commitLogFileByteCount = 16 << 10
        limits.copyByteCount = 1 << 30
        limits.checkpointByteCount = 1 << 30
        limits.maintenanceIntervalMilliseconds = 100_000
        let store = try machine.open(limits: limits)
        try await store.create("s")
        machine.disk.state.withLock { $0.capacity = 20 << 10 }
        var acknowledged: [String] = []
        var refusal: StreamStoreError?
        for index in 0..<200 where refusal == nil {
            let text = "message \(index) " + String(repeating: "x", count: 200)
            do {
                try await store.append(
                    [text],
                    to: "s",
                    AppendOptions(producer: ProducerTuple(id: "p", epoch: 0, sequence: UInt64(index)))
                )
                acknowledged.append(text)
            } catch { refusal = error as? StreamStoreError }
        }
        guard case .full(let why) = refusal else {
            Issue.record("\(String(describing: refusal))")
            return
        }
        #expect(why.contains("No space left on device; free space on its disk"))
        #expect(acknowledged.count > 20)
        #expect(store.statistics().isFull && store.statistics().fence == nil)
        #expect(try await store.texts("s") == acknowledged)
        // The producer's state is as of what was acknowledged.
        let next = AppendOptions(producer: ProducerTuple(id: "p", epoch: 0, sequence: UInt64(acknowledged.count)))
        let large = String(repeating: "again", count: 100)
        await #expect(throws: StreamStoreError.self) { try await store.append([large], to: "s", next) }
        machine.disk.state.withLock { $0.capacity = .max }
        #expect(try await store.append([large], to: "s", next).isRepetition == false)
        #expect(store.statistics().isFull == false)
        store.abandon()
        let again = try machine.open(limits: limits)
        #expect(try await again.texts("s") == acknowledged + [large])
        #expect(again.damage.isEmpty)
        again.abandon()
    }

    @Test("a full disk at the N-th write, for every N: refused or stored, never half, and nothing is lost")
    func everyWrite() async throws {
        for number in 0..<60 {
            let machine = SimulatedMachine()
            var limits = StoreLimits().inSmallFiles
            limits.maintenanceIntervalMilliseconds = 100_000
            let store = try machine.open(limits: limits)
            try await store.create("s")
            var acknowledged: [String] = []
            for index in 0..<40 {
                if index == 10 {
                    machine.disk.state.withLock { state in
                        state.capacity = state.contents.values.reduce(0) { $0 + $1.written.count } + number * 40
                    }
                }
                if index == 30 { machine.disk.state.withLock { $0.capacity = .max } }
                let text = "m\(index)" + String(repeating: "y", count: 300)
                do {
                    try await store.append([text], to: "s")
                    acknowledged.append(text)
                } catch {
                    guard case .full? = error as? StreamStoreError else { throw error }
                }
                if index % 7 == 0 { try? await store.maintain() }
            }
            #expect(acknowledged.count >= 20)
            #expect(acknowledged.last?.hasPrefix("m39") == true)
            #expect(try await store.texts("s") == acknowledged)
            await store.close()
            let again = try machine.open(limits: limits)
            #expect(try await again.texts("s") == acknowledged, "write \(number)")
            again.abandon()
        }
    }

    @Test("no file can be opened after the N-th, for every N: refused or stored, never closed, and nothing is lost")
    func everyOpening() async throws {
        for number in 0..<40 {
            let machine = SimulatedMachine()
            var limits = StoreLimits().inSmallFiles
            limits.maintenanceIntervalMilliseconds = 100_000
            let store = try machine.open(limits: limits)
            try await store.create("s")
            var acknowledged: [String] = []
            for index in 0..<40 {
                if index == 10 { machine.disk.state.withLock { $0.openableCount = number } }
                if index == 30 { machine.disk.state.withLock { $0.openableCount = .max } }
                let text = "m\(index)" + String(repeating: "y", count: 300)
                do {
                    try await store.append([text], to: "s")
                    acknowledged.append(text)
                } catch {
                    guard case .full(let why)? = error as? StreamStoreError else { throw error }
                    #expect(why.contains("Too many open files; allow more open files"))
                }
                if index % 7 == 0 { try? await store.maintain() }
            }
            #expect(acknowledged.count >= 20 && acknowledged.last?.hasPrefix("m39") == true)
            #expect(store.statistics().fence == nil, "opening \(number)")
            #expect(try await store.texts("s") == acknowledged)
            await store.close()
            let again = try machine.open(limits: limits)
            #expect(try await again.texts("s") == acknowledged, "opening \(number)")
            again.abandon()
        }
    }

    @Test("after a failed fdatasync nothing is acknowledged; reads go on; the next start decides")
    func fenced() async throws {
        let machine = SimulatedMachine()
        let store = try machine.open()
        try await store.create("s")
        try await store.append(["kept"], to: "s")
        try await store.maintain()
        machine.disk.state.withLock { $0.failingSynchronizations = 1 }
        let first = await #expect(throws: StreamStoreError.self) { try await store.append(["lost?"], to: "s") }
        guard case .fenced(let why) = first else {
            Issue.record("\(String(describing: first))")
            return
        }
        #expect(why.contains("Input/output error; check the disk"))
        // The disk would take it again: it must not be asked.
        await #expect(throws: StreamStoreError.fenced(why)) { try await store.append(["no"], to: "s") }
        await #expect(throws: StreamStoreError.fenced(why)) { try await store.create("t") }
        await #expect(throws: StreamStoreError.fenced(why)) { try await store.maintain() }
        #expect(store.statistics().fence?.contains("until the store is opened anew") == true)
        #expect(try await store.texts("s") == ["kept"])
        await store.close()
        let again = try machine.open()
        let texts = try await again.texts("s")
        #expect(texts == ["kept"] || texts == ["kept", "lost?"])
        try await again.append(["more"], to: "s")
        again.abandon()
    }

    @Test(
        "a limited store's files never take more; the reserve is kept for those who may use it; what is released is room"
    )
    func storeLimit() async throws {
        let limit = 4 << 20
        let folder = try TemporaryFolder()
        let store = try DurableStreamStore(
            directory: folder.path,
            limits: StoreLimits(maximumStoreByteCount: UInt64(limit))
        )
        /// Bytes of all files but the metadata's.
        func byteCount() throws -> Int {
            try TemporaryFolder.files(folder.path).filter { !$0.contains("streams.db") }.reduce(0) { total, path in
                var status = stat()
                try #require(lstat(path, &status) == 0)
                return total + Int(status.st_size)
            }
        }
        try await store.create("s")
        let text = String(repeating: "x", count: 3_000)
        func fill(_ options: AppendOptions) async throws -> Int {
            var count = 0
            let full = await #expect(throws: StreamStoreError.self) {
                while count < 10_000 {
                    try await store.append([text], to: "s", options)
                    count += 1
                }
            }
            guard case .full(let why) = full else {
                Issue.record("\(String(describing: full))")
                return count
            }
            #expect(why.contains("of \(limit) allowed"))
            #expect(try byteCount() <= limit)
            return count
        }
        let ordinary = try await fill(AppendOptions())
        #expect(ordinary * 3_000 > limit / 2)
        let reserved = try await fill(AppendOptions(usesReserve: true))
        #expect(reserved * 3_000 > limit / 16)
        // As much again, several times over, as what is there is released.
        for _ in 0..<3 {
            try await store.trim("s", before: try store.status(of: "s").get().tail)
            try await store.maintain()
            #expect(try await fill(AppendOptions()) > ordinary / 2)
        }
        #expect(UInt64(try byteCount()) <= store.statistics().usedByteCount)
        await store.close()
    }

    @Test("more than may wait is refused")
    func queueLimit() async throws {
        let machine = SimulatedMachine()
        var narrow = StoreLimits().inSmallFiles
        narrow.maximumQueuedByteCount = 3_000
        let slow = try machine.open(limits: narrow)
        try await slow.create("s")
        let answers = Answers()
        // While the disk is busy, the flusher cannot take anything off.
        machine.disk.state.withLock { _ in
            for number in 0..<100 {
                [UInt8](repeating: 1, count: 100).withUnsafeBytes { bytes in
                    slow.append(bytes, to: "s", AppendOptions()) { answers.set(number, $0.map { _ in }) }
                }
            }
        }
        let results = await answers.all(100)
        #expect((0..<100).contains { results[$0] == .failure(.overloaded) })
        #expect(results[0] == .success(()))
        try await slow.append(["later"], to: "s")
        slow.abandon()
    }
}

extension Result where Success == Void, Failure == StreamStoreError {
    fileprivate static func == (left: Self, right: Self) -> Bool {
        switch (left, right) {
        case (.success, .success): true
        case (.failure(let left), .failure(let right)): left == right
        default: false
        }
    }
}

private func == (left: Result<Void, StreamStoreError>?, right: Result<Void, StreamStoreError>) -> Bool {
    left.map { $0 == right } ?? false
}
