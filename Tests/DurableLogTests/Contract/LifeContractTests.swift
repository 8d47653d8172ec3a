import DurableLog
import Testing

@Suite("Contract: forks, expiry, retention, waits")
struct LifeContractTests {
    @Test("a fork shows its origin's messages up to its offset, then its own", arguments: StoreKind.allCases)
    func forks(_ kind: StoreKind) async throws {
        try await kind.with { store in
            try await store.create("a", CreateOptions(contentType: "text/plain"))
            try await store.append(["1", "2", "3"], to: "a")
            let fork = try await store.create(
                "b",
                CreateOptions(origin: ForkOrigin(source: "a", offset: StreamOffset(position: 4)))
            )
            #expect(fork.contentType == "text/plain" && fork.tail.position == 4)
            try await store.append(["4"], to: "a")
            try await store.append(["b1", "b2"], to: "b")
            try await store.create(
                "c",
                CreateOptions(isClosed: true, origin: ForkOrigin(source: "b", offset: StreamOffset(position: 7))),
                initialBytes: Array("c1".utf8)
            )
            #expect(try await store.texts("a") == ["1", "2", "3", "4"])
            for byteCount in [0, 1, 2, 3, 100] {
                #expect(try await store.texts("b", pageByteCount: byteCount) == ["1", "2", "b1", "b2"])
                #expect(try await store.texts("c", pageByteCount: byteCount) == ["1", "2", "b1", "c1"])
            }
            #expect(try await store.read("c", from: .zero).isAtEnd)
            #expect(try await store.texts("c", from: StreamOffset(position: 2)) == ["2", "b1", "c1"])
            #expect(try await store.create("b", CreateOptions(origin: ForkOrigin(source: "a"))).isNew == false)

            await #expect(throws: StreamStoreError.originAbsent) {
                try await store.create("d", CreateOptions(origin: ForkOrigin(source: "z")))
            }
            await #expect(throws: StreamStoreError.originBeyondTail) {
                try await store.create(
                    "d",
                    CreateOptions(origin: ForkOrigin(source: "a", offset: StreamOffset(position: 99)))
                )
            }
            await #expect(throws: StreamStoreError.originTypeConflict) {
                try await store.create("d", CreateOptions(contentType: "a/b", origin: ForkOrigin(source: "a")))
            }
            #expect(try store.status(of: "a").get().forkCount == 1)
        }
    }

    @Test("an origin is kept for its forks, and goes with the last of them", arguments: StoreKind.allCases)
    func references(_ kind: StoreKind) async throws {
        try await kind.with { store in
            try await store.create("a", initialBytes: Array("x".utf8))
            try await store.create("b", CreateOptions(origin: ForkOrigin(source: "a")))
            try await store.append(["y"], to: "b")
            try await store.create("c", CreateOptions(origin: ForkOrigin(source: "b")))
            try await store.delete("a")
            try await store.delete("b")
            for name in ["a", "b"] {
                await #expect(throws: StreamStoreError.deleted) { try await store.read(name, from: .zero) }
                await #expect(throws: StreamStoreError.deleted) { try await store.append([1], to: name) }
                await #expect(throws: StreamStoreError.deleted) { try await store.delete(name) }
                await #expect(throws: StreamStoreError.conflict) { try await store.create(name) }
                await #expect(throws: StreamStoreError.originDeleted) {
                    try await store.create("d", CreateOptions(origin: ForkOrigin(source: name)))
                }
            }
            #expect(try await store.texts("c") == ["x", "y"])
            try await store.delete("c")
            for name in ["a", "b", "c"] {
                await #expect(throws: StreamStoreError.absent) { try await store.read(name, from: .zero) }
                #expect(try await store.create(name).isNew)
            }
        }
    }

    @Test("a sub-offset copies bytes of a message, or messages of a list", arguments: StoreKind.allCases)
    func subOffsets(_ kind: StoreKind) async throws {
        try await kind.with { store in
            try await store.create("bytes")
            try await store.append(["hello"], to: "bytes")
            try await store.append(["world"], to: "bytes")
            func origin(_ source: String, _ position: UInt64?, _ subOffset: UInt64) -> CreateOptions {
                CreateOptions(
                    origin: ForkOrigin(
                        source: source,
                        offset: position.map { StreamOffset(position: $0) },
                        subOffset: subOffset
                    )
                )
            }
            let fork = try await store.create("b1", origin("bytes", 6, 3), initialBytes: Array("!".utf8))
            #expect(try await store.texts("b1") == ["hello", "wor", "!"])
            #expect(try await store.read("b1", from: fork.tail).isUpToDate)
            #expect(try await store.create("b1", origin("bytes", 6, 3)).isNew == false)
            await #expect(throws: StreamStoreError.conflict) { try await store.create("b1", origin("bytes", 6, 2)) }
            try await store.create("b2", origin("bytes", 6, 5))
            #expect(try await store.texts("b2") == ["hello", "world"])
            for beyond in [origin("bytes", 6, 6), origin("bytes", nil, 1), origin("bytes", 12, 1)] {
                await #expect(throws: StreamStoreError.originBeyondTail) { try await store.create("b3", beyond) }
            }

            try await store.create("list", CreateOptions(isMessageList: true))
            try await store.append(["1", "2"], to: "list")
            try await store.append(["3"], to: "list")
            try await store.create("l1", origin("list", 2, 2))
            #expect(try await store.texts("l1") == ["1", "2", "3"])
            try await store.create("l2", origin("l1", 0, 1))
            #expect(try await store.texts("l2") == ["1"])
            await #expect(throws: StreamStoreError.originBeyondTail) {
                try await store.create("l3", origin("list", 2, 3))
            }
            #expect(try store.status(of: "l1").get().isMessageList)
        }
    }

    @Test(
        "an idle stream expires, an access keeps it, and a jump of the clock does nothing",
        arguments: StoreKind.allCases
    )
    func idle(_ kind: StoreKind) async throws {
        let time = ManualStoreClock()
        try await kind.with(clock: time.clock) { store in
            try await store.create("s", CreateOptions(expiry: .afterIdle(seconds: 10)))
            try await store.create("forever", CreateOptions(expiry: .afterIdle(seconds: .max)))
            for _ in 0..<3 {
                time.advance(milliseconds: 9_999)
                _ = try await store.read("s", from: .zero)
            }
            time.advance(milliseconds: 9_999)
            try await store.append([1], to: "s")
            time.advance(milliseconds: 9_999)
            store.touch("s")
            time.jump(milliseconds: 86_400_000)
            _ = try store.status(of: "s").get()
            time.jump(milliseconds: -2 * 86_400_000)
            time.advance(milliseconds: 9_999)
            _ = try store.status(of: "s").get()
            time.advance(milliseconds: 1)
            #expect(store.status(of: "s") == .failure(.absent))
            await #expect(throws: StreamStoreError.absent) { try await store.append([1], to: "s") }
            await #expect(throws: StreamStoreError.absent) { try await store.delete("s") }
            #expect(store.names(prefix: "", after: nil, maximumCount: 9) == ["forever"])
            #expect(try await store.create("s", CreateOptions(contentType: "x/y")).isNew)
            _ = try store.status(of: "forever").get()
        }
    }

    @Test("a moment ends a stream, reads or not; the reaper frees it and its origin", arguments: StoreKind.allCases)
    func moment(_ kind: StoreKind) async throws {
        let time = ManualStoreClock()
        try await kind.with(clock: time.clock) { store in
            let end = time.wallMilliseconds + 5_000
            try await store.create("a", initialBytes: [1])
            try await store.create("b", CreateOptions(expiry: .at(milliseconds: end), origin: ForkOrigin(source: "a")))
            try await store.delete("a")
            time.advance(milliseconds: 4_999)
            _ = try await store.read("b", from: .zero)
            time.advance(milliseconds: 1)
            await #expect(throws: StreamStoreError.absent) { try await store.read("b", from: .zero) }
            try await store.maintain()
            _ = try? await store.append([1], to: "nothing")
            #expect(store.statistics().streamCount == 0)
            #expect(try await store.create("a").isNew)
        }
    }

    @Test("a trimmed stream begins later, and says where", arguments: StoreKind.allCases)
    func trim(_ kind: StoreKind) async throws {
        try await kind.with { store in
            try await store.create("s")
            for text in ["a", "b", "c"] { try await store.append([text], to: "s") }
            try await store.trim("s", before: StreamOffset(position: 3))
            await #expect(throws: StreamStoreError.gone(earliest: StreamOffset(position: 3))) {
                try await store.read("s", from: StreamOffset(position: 2))
            }
            #expect(try await store.texts("s", from: StreamOffset(position: 3)) == ["c"])
            try await store.trim("s", before: .zero)
            #expect(try store.status(of: "s").get().earliest.position == 3)
            await #expect(throws: StreamStoreError.self) {
                try await store.trim("s", before: StreamOffset(position: 7))
            }
            try await store.trim("s", before: StreamOffset(position: 6))
            let page = try await store.read("s", from: StreamOffset(position: 6))
            #expect(page.texts.isEmpty && page.isUpToDate)
        }
    }

    @Test("retention releases by count, bytes and age, but not what a cursor needs", arguments: StoreKind.allCases)
    func retention(_ kind: StoreKind) async throws {
        let time = ManualStoreClock()
        var limits = StoreLimits()
        limits.segmentByteCount = 300
        try await kind.with(limits: limits, clock: time.clock) { store in
            func filled(_ name: String, _ policy: RetentionPolicy, cursor: UInt64? = nil) async throws -> StreamStatus {
                try await store.create(name, CreateOptions(retention: policy))
                if cursor != nil { try store.setCursor("c", of: name, to: .zero).get() }
                for index in 0..<40 {
                    time.advance(milliseconds: 10)
                    try await store.append(["message \(index % 10)"], to: name)
                }
                if let cursor { try store.setCursor("c", of: name, to: StreamOffset(position: cursor)).get() }
                try await store.maintain()
                // A change behind the trim: when it is durable, the trim is.
                try await store.setRetention(.everything, of: name)
                return try store.status(of: name).get()
            }
            let count = try await filled("count", RetentionPolicy(maximumMessageCount: 10))
            #expect((5...10).contains(count.messageCount))
            #expect(count.earliest.position == (40 - count.messageCount) * 10)
            let bytes = try await filled("bytes", RetentionPolicy(maximumByteCount: 180))
            #expect((10...20).contains(bytes.messageCount) && bytes.byteCount == bytes.messageCount * 9)
            let age = try await filled("age", RetentionPolicy(maximumAgeMilliseconds: 200))
            #expect((15...24).contains(age.messageCount))
            let kept = try await filled(
                "kept",
                RetentionPolicy(maximumMessageCount: 1, cursors: .keepsUnread),
                cursor: 200
            )
            #expect((20...25).contains(kept.messageCount))
            #expect(kept.cursors == ["c": StreamOffset(position: 200)])
            let read = try await filled("read", RetentionPolicy(cursors: .releasesRead), cursor: 200)
            #expect((20...25).contains(read.messageCount))
            #expect(try await filled("all", RetentionPolicy(cursors: .releasesRead)).messageCount == 40)
        }
    }

    @Test("a wait ends with data, with closing, with deletion, with cancellation", arguments: StoreKind.allCases)
    func waits(_ kind: StoreKind) async throws {
        try await kind.with { store in
            try await store.create("s")
            await #expect(throws: StreamStoreError.absent) { try await store.waitForData(in: "t", after: .zero) }
            async let first = store.waitForData(in: "s", after: .zero)
            try await store.append(["x"], to: "s")
            let tail = StreamOffset(position: 2)
            #expect(try await first == .data(tail: tail))
            #expect(try await store.waitForData(in: "s", after: .zero) == .data(tail: tail))
            async let closing = store.waitForData(in: "s", after: tail)
            try await store.closeStream("s")
            #expect(try await closing == .closed(tail: tail))
            #expect(try await store.waitForData(in: "s", after: tail) == .closed(tail: tail))

            try await store.create("d")
            async let deletion = Result { try await store.waitForData(in: "d", after: .zero) }
            try await store.delete("d")
            // It may have begun after the deletion.
            switch await deletion {
            case .success(let outcome): #expect(outcome == .deleted)
            case .failure(let error): #expect(error as? StreamStoreError == .absent)
            }

            try await store.create("c")
            let task = Task { try await store.waitForData(in: "c", after: .zero) }
            task.cancel()
            #expect(try await task.value == .cancelled)
            let ended = Task { try await store.waitForData(in: "c", after: .zero) }
            await store.close()
            let outcome = try? await ended.value
            #expect(outcome == .cancelled || outcome == nil)
        }
    }
}

extension Result where Failure == any Error {
    fileprivate init(_ body: () async throws -> Success) async {
        do { self = .success(try await body()) } catch { self = .failure(error) }
    }
}
