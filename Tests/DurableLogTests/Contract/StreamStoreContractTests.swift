import DurableLog
import Testing

@Suite("Contract: streams")
struct StreamStoreContractTests {
    @Test("messages come back whole, in order, page by page", arguments: StoreKind.allCases)
    func readBack(_ kind: StoreKind) async throws {
        try await kind.with { store in
            let created = try await store.create("s", CreateOptions(contentType: "text/plain"))
            #expect(created.isNew && created.tail == .zero)
            let first = try await store.append(Array("one".utf8), to: "s")
            #expect(first.start == .zero && first.tail == StreamOffset(position: 4))
            let second = try await store.append(["two", "", "three"], to: "s")
            #expect(second.tail == StreamOffset(position: 4 + 4 + 1 + 6))

            let all = try await store.read("s", from: .zero)
            #expect(all.texts == ["one", "two", "", "three"])
            #expect(String(decoding: all.bytes, as: UTF8.self) == "onetwothree")
            #expect(all.isUpToDate && !all.isAtEnd && all.next == second.tail)
            #expect(all.messages.map(\.end.position) == [4, 8, 9, 15])

            let page = try await store.read("s", from: .zero, maximumByteCount: 6)
            #expect(page.texts == ["one", "two", ""])
            #expect(!page.isUpToDate && page.next.position == 9)
            #expect(try await store.read("s", from: .zero, maximumByteCount: 0).texts == ["one"])
            #expect(try await store.read("s", from: StreamOffset(position: 1)).texts == ["two", "", "three"])
            #expect(try await store.read("s", from: StreamOffset(position: 4)).texts == ["two", "", "three"])
            for byteCount in 0..<12 {
                #expect(try await store.texts("s", pageByteCount: byteCount) == ["one", "two", "", "three"])
            }
            let behind = try await store.read("s", from: StreamOffset(position: 99))
            #expect(behind.texts.isEmpty && behind.next == second.tail && behind.isUpToDate)
        }
    }

    @Test("a creation is the same, or a conflict", arguments: StoreKind.allCases)
    func create(_ kind: StoreKind) async throws {
        try await kind.with { store in
            let options = CreateOptions(contentType: "Text/Plain; charset=utf-8", expiry: .afterIdle(seconds: 60))
            let new = try await store.create("s", options, initialBytes: Array("first".utf8))
            #expect(new.isNew && new.tail.position == 6)
            var same = options
            same.contentType = "text/plain"
            let found = try await store.create("s", same, initialBytes: Array("ignored".utf8))
            #expect(!found.isNew && found.tail.position == 6 && found.contentType == "Text/Plain; charset=utf-8")
            #expect(try await store.texts("s") == ["first"])
            for change in [
                CreateOptions(contentType: "text/html", expiry: .afterIdle(seconds: 60)),
                CreateOptions(contentType: "text/plain", expiry: .afterIdle(seconds: 61)),
                CreateOptions(contentType: "text/plain"),
                CreateOptions(contentType: "text/plain", isMessageList: true, expiry: .afterIdle(seconds: 60)),
                CreateOptions(contentType: "text/plain", expiry: .afterIdle(seconds: 60), isClosed: true),
                CreateOptions(
                    contentType: "text/plain",
                    expiry: .afterIdle(seconds: 60),
                    origin: ForkOrigin(source: "t")
                ),
            ] {
                await #expect(throws: StreamStoreError.conflict) { try await store.create("s", change) }
            }
            try await store.closeStream("s")
            await #expect(throws: StreamStoreError.conflict) { try await store.create("s", same) }
            same.isClosed = true
            #expect(try await store.create("s", same).isClosed)
            await #expect(throws: StreamStoreError.invalidName) { try await store.create("") }
            await #expect(throws: StreamStoreError.invalidName) {
                try await store.create(String(repeating: "x", count: 1025))
            }
            let once = try await store.create("once", CreateOptions(isClosed: true), initialBytes: [1, 2])
            #expect(once.isClosed)
            #expect(try await store.read("once", from: .zero).isAtEnd)
            #expect(try store.status(of: "once").get().contentType == "application/octet-stream")
        }
    }

    @Test("a deleted stream is absent, and its name is free", arguments: StoreKind.allCases)
    func delete(_ kind: StoreKind) async throws {
        try await kind.with { store in
            await #expect(throws: StreamStoreError.absent) { try await store.delete("s") }
            try await store.create("s", initialBytes: Array("old".utf8))
            let identifier = try store.status(of: "s").get().identifier
            try await store.delete("s")
            await #expect(throws: StreamStoreError.absent) { try await store.read("s", from: .zero) }
            await #expect(throws: StreamStoreError.absent) { try await store.append([1], to: "s") }
            await #expect(throws: StreamStoreError.absent) { try await store.delete("s") }
            try await store.create("s", CreateOptions(contentType: "a/b"), initialBytes: Array("new".utf8))
            #expect(try await store.texts("s") == ["new"])
            #expect(try store.status(of: "s").get().identifier != identifier)
        }
    }

    @Test("a closed stream takes nothing, and says where it ended", arguments: StoreKind.allCases)
    func close(_ kind: StoreKind) async throws {
        try await kind.with { store in
            try await store.create("s")
            await #expect(throws: StreamStoreError.empty) { try await store.append([UInt8](), to: "s") }
            let last = try await store.append(["a", "b"], to: "s", AppendOptions(closes: true))
            #expect(last.isClosed && last.tail.position == 4)
            let again = try await store.closeStream("s")
            #expect(again.isClosed && again.isRepetition && again.tail == last.tail)
            await #expect(throws: StreamStoreError.closed(tail: last.tail)) { try await store.append([1], to: "s") }
            await #expect(throws: StreamStoreError.closed(tail: last.tail)) {
                try await store.append([1], to: "s", AppendOptions(contentType: "other/type", sequence: "x"))
            }
            let page = try await store.read("s", from: .zero)
            #expect(page.isAtEnd && page.texts == ["a", "b"])
            #expect(try await store.read("s", from: .zero, maximumByteCount: 1).isAtEnd == false)
        }
    }

    @Test("what does not fit together is refused, and stores nothing", arguments: StoreKind.allCases)
    func malformed(_ kind: StoreKind) async throws {
        var limits = StoreLimits()
        limits.maximumAppendByteCount = 100
        try await kind.with(limits: limits) { store in
            try await store.create("s", CreateOptions(contentType: "text/plain"))
            for options in [
                AppendOptions(messageByteCounts: [2]), AppendOptions(messageByteCounts: [4, -1]),
                AppendOptions(messageByteCounts: [Int.max, Int.max]), AppendOptions(keys: MessageKeys([])),
                AppendOptions(producer: ProducerTuple(id: "", epoch: 0, sequence: 0)),
                AppendOptions(producer: ProducerTuple(id: "p", epoch: .max, sequence: 0)),
            ] {
                await #expect(throws: StreamStoreError.self) { try await store.append([1, 2, 3], to: "s", options) }
            }
            await #expect(throws: StreamStoreError.tooLarge(maximumByteCount: 100)) {
                try await store.append([UInt8](repeating: 0, count: 101), to: "s")
            }
            await #expect(throws: StreamStoreError.typeConflict(expected: "text/plain")) {
                try await store.append([1], to: "s", AppendOptions(contentType: "text/html"))
            }
            #expect(
                store.refusal(ofAppendTo: "s", AppendOptions(contentType: "text/html"))
                    == .typeConflict(expected: "text/plain")
            )
            #expect(store.refusal(ofAppendTo: "s", AppendOptions(contentType: "TEXT/plain;q=1")) == nil)
            #expect(store.refusal(ofAppendTo: "t", AppendOptions()) == .absent)
            #expect(try store.status(of: "s").get().tail == .zero)
        }
    }

    @Test("concurrent appends are all stored, each as it was sent", arguments: StoreKind.allCases)
    func concurrent(_ kind: StoreKind) async throws {
        try await kind.with { store in
            try await store.create("s", CreateOptions(isMessageList: true))
            let ends = try await withThrowingTaskGroup(of: AppendReceipt.self) { group in
                for task in 0..<64 {
                    group.addTask { try await store.append(["\(task)/0", "\(task)/1", "\(task)/2"], to: "s") }
                }
                return try await group.reduce(into: [StreamOffset]()) { $0.append($1.tail) }
            }
            #expect(Set(ends).count == 64)
            let texts = try await store.texts("s", pageByteCount: 50)
            #expect(texts.count == 192)
            for index in stride(from: 0, to: 192, by: 3) {
                let task = texts[index].prefix { $0 != "/" }
                #expect(Array(texts[index..<index + 3]) == ["\(task)/0", "\(task)/1", "\(task)/2"])
            }
            #expect(try store.status(of: "s").get().tail == ends.max())
        }
    }

    @Test("names are listed by prefix, in order, page by page", arguments: StoreKind.allCases)
    func names(_ kind: StoreKind) async throws {
        try await kind.with { store in
            for name in ["a/2", "b", "a/10", "a", "a/1", "ä"] { try await store.create(name) }
            #expect(store.names(prefix: "", after: nil, maximumCount: 10) == ["a", "a/1", "a/10", "a/2", "b", "ä"])
            #expect(store.names(prefix: "a/", after: nil, maximumCount: 2) == ["a/1", "a/10"])
            #expect(store.names(prefix: "a/", after: "a/10", maximumCount: 2) == ["a/2"])
        }
    }
}
