import Testing

@testable import Destinations

/// When a file is put away, and what it is called then: decisions without files.
@Suite("file: rotation decides")
struct FileRotationTests {
    /// The steps until all lines are written, done to a file that is only imagined.
    private func steps(
        _ rotation: FileRotation,
        lines lengths: [Int],
        header: Int = 0,
        byteCount: Int = 0,
        age: Int? = nil
    ) -> [FileRotation.Step] {
        var ends: [Int] = []
        for length in lengths { ends.append((ends.last ?? 0) + length) }
        var file = FileRotation.File(byteCount: byteCount, firstLineMilliseconds: age.map { 1000 - $0 })
        var steps: [FileRotation.Step] = []
        var first = 0
        while first < ends.count {
            let step = rotation.step(
                for: ends,
                from: first,
                headerByteCount: header,
                file: file,
                nowMilliseconds: 1000
            )
            steps.append(step)
            switch step {
            case .rotate: file = FileRotation.File(byteCount: 0)
            case .append(let lines):
                if file.byteCount == 0 { file.byteCount = header }
                file.byteCount += lengths[lines].reduce(0, +)
                file.firstLineMilliseconds = file.firstLineMilliseconds ?? 1000
                first = lines.upperBound
            }
        }
        return steps
    }

    @Test("without limits everything is one write")
    func unlimited() {
        #expect(steps(FileRotation(), lines: [5, 5], byteCount: 1 << 40, age: 999) == [.append(0..<2)])
    }

    @Test("a batch that would pass the size goes into the next file; at the size it does not")
    func size() {
        let rotation = FileRotation(maximumByteCount: 20)
        #expect(steps(rotation, lines: [5, 5], byteCount: 10, age: 0) == [.append(0..<2)])
        #expect(steps(rotation, lines: [5, 6], byteCount: 10, age: 0) == [.rotate, .append(0..<2)])
    }

    @Test("a batch larger than the size is divided between lines; a larger line goes alone")
    func largeBatches() {
        let rotation = FileRotation(maximumByteCount: 10)
        #expect(
            steps(rotation, lines: [4, 4, 4, 4, 4])
                == [.append(0..<2), .rotate, .append(2..<4), .rotate, .append(4..<5)]
        )
        #expect(
            steps(rotation, lines: [4, 30, 4]) == [.append(0..<1), .rotate, .append(1..<2), .rotate, .append(2..<3)]
        )
        #expect(steps(rotation, lines: [30]) == [.append(0..<1)])
    }

    @Test("the header counts, and a file that has only one is not put away")
    func header() {
        let rotation = FileRotation(maximumByteCount: 10)
        #expect(steps(rotation, lines: [4, 4], header: 3) == [.append(0..<1), .rotate, .append(1..<2)])
        #expect(steps(rotation, lines: [9], header: 3, byteCount: 3) == [.append(0..<1)])
    }

    @Test("the age counts from the first line; a file without lines has none")
    func age() {
        let rotation = FileRotation(maximumAgeMilliseconds: 100)
        #expect(steps(rotation, lines: [5], byteCount: 5, age: 99) == [.append(0..<1)])
        #expect(steps(rotation, lines: [5], byteCount: 5, age: 100) == [.rotate, .append(0..<1)])
        #expect(steps(rotation, lines: [5], byteCount: 0) == [.append(0..<1)])
        // A clock that was set back puts nothing away.
        #expect(steps(rotation, lines: [5], byteCount: 5, age: -500) == [.append(0..<1)])
    }

    @Test(
        "a rotated name says what it was, when and which",
        arguments: [
            ("events.jsonl", "events-20231114T221320-1.jsonl"), ("events", "events-20231114T221320-1"),
            ("a.b.jsonl", "a.b-20231114T221320-1.jsonl"), (".hidden", ".hidden-20231114T221320-1"),
            ("a-b-1.csv", "a-b-1-20231114T221320-1.csv"),
        ]
    )
    func names(_ active: String, _ expected: String) throws {
        let name = RotatedName(of: active, after: nil, nowMilliseconds: 1_700_000_000_999)
        #expect(name.plain == expected)
        #expect(RotatedName(name.plain) == name)
        #expect(RotatedName(name.compressed) == name)
        #expect(RotatedName(draft: name.draft) == name)
        #expect(name.activeName == active)
    }

    @Test("names go up, also when the clock goes back")
    func order() throws {
        let now = 1_700_000_000_000
        var last = RotatedName(of: "e.jsonl", after: nil, nowMilliseconds: now)
        for (time, expected) in [
            (now, "e-20231114T221320-2.jsonl"), (now - 3_600_000, "e-20231114T221320-3.jsonl"),
            (now + 1000, "e-20231114T221321-1.jsonl"),
        ] {
            let next = RotatedName(of: "e.jsonl", after: last, nowMilliseconds: time)
            #expect(next.plain == expected)
            #expect(last < next)
            last = next
        }
        let tenth = try #require(RotatedName("e-20231114T221320-10.jsonl"))
        let ninth = try #require(RotatedName("e-20231114T221320-9.jsonl"))
        #expect(ninth < tenth)
    }

    @Test(
        "other files' names are not taken for rotated ones",
        arguments: [
            "events.jsonl", "events-20231114T221320.jsonl", "events-20231114T221320-01.jsonl",
            "-20231114T221320-1.jsonl",
            "events-20231114 221320-1.jsonl", "events-2023-11-14-1.jsonl", "events-20231114T221320-1-x.jsonl", "",
        ]
    )
    func others(_ name: String) {
        #expect(RotatedName(name) == nil)
    }
}
