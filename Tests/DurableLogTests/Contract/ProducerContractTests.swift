import DurableLog
import Testing

@Suite("Contract: producers and sequence values")
struct ProducerContractTests {
    private func tuple(_ epoch: UInt64, _ sequence: UInt64, _ id: String = "p") -> AppendOptions {
        AppendOptions(producer: ProducerTuple(id: id, epoch: epoch, sequence: sequence))
    }

    @Test("a producer's appends count once, without gaps, by epochs", arguments: StoreKind.allCases)
    func producers(_ kind: StoreKind) async throws {
        try await kind.with { store in
            try await store.create("s")
            await #expect(throws: StreamStoreError.producerGap(expected: 0, received: 3, tail: .zero)) {
                try await store.append([1], to: "s", tuple(0, 3))
            }
            let first = try await store.append(["a"], to: "s", tuple(7, 0))
            #expect(first.producer == ProducerPosition(epoch: 7, sequence: 0) && !first.isRepetition)
            let second = try await store.append(["b"], to: "s", tuple(7, 1))
            for sequence: UInt64 in [0, 1] {
                let again = try await store.append(["x"], to: "s", tuple(7, sequence))
                #expect(again.isRepetition && again.tail == second.tail)
                #expect(again.producer == ProducerPosition(epoch: 7, sequence: 1))
            }
            await #expect(throws: StreamStoreError.producerGap(expected: 2, received: 3, tail: second.tail)) {
                try await store.append(["x"], to: "s", tuple(7, 3))
            }
            await #expect(throws: StreamStoreError.staleEpoch(current: 7, tail: second.tail)) {
                try await store.append(["x"], to: "s", tuple(6, 0))
            }
            await #expect(throws: StreamStoreError.epochStart(tail: second.tail)) {
                try await store.append(["x"], to: "s", tuple(8, 1))
            }
            #expect(try await store.append(["c"], to: "s", tuple(8, 0)).producer?.epoch == 8)
            #expect(try await store.append(["d"], to: "s", tuple(0, 0, "other")).isRepetition == false)
            #expect(try await store.texts("s") == ["a", "b", "c", "d"])
        }
    }

    @Test("the closing append may be repeated, by its tuple only", arguments: StoreKind.allCases)
    func closing(_ kind: StoreKind) async throws {
        try await kind.with { store in
            try await store.create("s")
            try await store.append(["a"], to: "s", tuple(0, 0))
            var closing = tuple(0, 1)
            closing.closes = true
            let closed = try await store.append(["b"], to: "s", closing)
            let again = try await store.append(["other"], to: "s", closing)
            #expect(again.isRepetition && again.isClosed && again.tail == closed.tail)
            #expect(try await store.append([UInt8](), to: "s", closing).isRepetition)
            #expect(try await store.closeStream("s").isClosed)
            for refused in [tuple(0, 0), tuple(0, 2), tuple(1, 0), tuple(0, 1, "q")] {
                await #expect(throws: StreamStoreError.closed(tail: closed.tail)) {
                    try await store.append(["x"], to: "s", refused)
                }
            }
            #expect(try await store.texts("s") == ["a", "b"])
        }
    }

    @Test("sequence values grow, byte by byte", arguments: StoreKind.allCases)
    func sequences(_ kind: StoreKind) async throws {
        try await kind.with { store in
            try await store.create("s")
            func append(_ value: String) async throws {
                try await store.append(["x"], to: "s", AppendOptions(sequence: value))
            }
            try await append("09")
            try await append("10")
            try await append("2")
            for refused in ["2", "10", "", "1zzz"] {
                await #expect(throws: StreamStoreError.self) { try await append(refused) }
            }
            try await append("a")
            await #expect(throws: StreamStoreError.sequenceConflict(last: "a", tail: StreamOffset(position: 8))) {
                try await append("B")
            }
            // "é" as one scalar and as two are equal as texts, not as bytes.
            try await append("e\u{301}")
            try await append("\u{e9}")
        }
    }

    @Test("a repetition is recognised before its sequence value is", arguments: StoreKind.allCases)
    func order(_ kind: StoreKind) async throws {
        try await kind.with { store in
            try await store.create("s")
            var options = tuple(0, 0)
            options.sequence = "5"
            try await store.append(["x"], to: "s", options)
            #expect(try await store.append(["x"], to: "s", options).isRepetition)
            options.producer = ProducerTuple(id: "p", epoch: 0, sequence: 1)
            await #expect(throws: StreamStoreError.self) { try await store.append(["y"], to: "s", options) }
            options.sequence = "6"
            try await store.append(["y"], to: "s", options)
            #expect(try await store.texts("s") == ["x", "y"])
        }
    }

    @Test("messages whose key is remembered are left out", arguments: StoreKind.allCases)
    func keys(_ kind: StoreKind) async throws {
        let time = ManualStoreClock()
        try await kind.with(clock: time.clock) { store in
            try await store.create("s")
            func keys(_ values: [UInt64], maximumCount: UInt64 = 10_000_000) -> AppendOptions {
                AppendOptions(
                    keys: MessageKeys(
                        values.map { MessageKey(high: 1, low: $0) },
                        maximumAgeMilliseconds: 1_000,
                        maximumCount: maximumCount
                    )
                )
            }
            try await store.append(["a", "b"], to: "s", keys([1, 2]))
            let mixed = try await store.append(["b", "c", "c"], to: "s", keys([2, 3, 3]))
            #expect(mixed.duplicates.map(\.index) == [0, 2])
            #expect(mixed.duplicates.map(\.end.position) == [4, 6])
            let nothing = try await store.append(["a"], to: "s", keys([1]))
            #expect(nothing.duplicates.map(\.end.position) == [2] && nothing.tail == mixed.tail)
            #expect(try await store.texts("s") == ["a", "b", "c"])
            // Only the last two keys are asked for.
            #expect(try await store.append(["a"], to: "s", keys([1], maximumCount: 2)).duplicates.isEmpty)
            time.advance(milliseconds: 1_000)
            #expect(try await store.append(["b"], to: "s", keys([2])).duplicates.isEmpty)
            try await store.create("t")
            #expect(try await store.append(["a"], to: "t", keys([1])).duplicates.isEmpty)
            #expect(try await store.texts("s") == ["a", "b", "c", "a", "b"])
        }
    }
}
