import CollectorTesting
import NIOHTTP1
import TestSupport
import Testing

@testable import CollectorHTTP

/// Whether the time that a wrong key takes tells how much of it is right.
///
/// Not how long anything takes: samples of two classes, in random order, are compared by Welch's t, as dudect does
/// (https://eprint.iacr.org/2016/1123). Two classes of one distribution are beyond 4.5 once in 150 000 runs.
@Suite("The time a key takes")
struct KeyTimingTests {
    private static let key = "0123456789abcdef0123456789abcdef"
    private static let sampleCount = 200_000

    /// A wrong key that begins like the right one.
    private static func wrongKey(_ rightCount: Int) -> String {
        String(key.prefix(rightCount)) + String(repeating: "x", count: key.utf8.count - rightCount)
    }

    @Test("tells nothing of how many of its first characters are right", arguments: [8, 16, 31])
    func bearers(_ rightCount: Int) async throws {
        let keys = WriteKeys([WriteKey(id: "shop", key: Self.key)])
        let fields = [0, rightCount].map { Array("Bearer \(Self.wrongKey($0))".utf8) }
        let t = await BlockingWork.run {
            TimingSamples.welch(sampleCount: Self.sampleCount) { isSecond in
                let field = String(decoding: fields[isSecond ? 1 : 0], as: UTF8.self)
                return HTTPRequestHead(version: .http1_1, method: .POST, uri: "/", headers: ["Authorization": field])
            } isRefused: { head in
                (try? keys.admission(of: head, nowMilliseconds: 0)) == nil
            }
        }
        #expect(abs(t) < 4.5)
    }

    @Test("would be told by a comparison that ends at the first difference")
    func control() async throws {
        let right = Array(Self.key.utf8)
        let wrong = [0, 31].map { Array(Self.wrongKey($0).utf8) }
        let t = await BlockingWork.run {
            TimingSamples.welch(sampleCount: Self.sampleCount) { isSecond in
                wrong[isSecond ? 1 : 0]
            } isRefused: { wrong in
                zip(right, wrong).allSatisfy { $0 == $1 } == false
            }
        }
        #expect(abs(t) > 4.5)
    }
}

/// Times of two classes of calls, in random order.
private enum TimingSamples {
    /// Welch's t of the two classes, without the slowest tenth: that is of interrupts.
    ///
    /// `input` makes an input for each call, in the same way for both classes: of two that are used again and again
    /// one may lie in memory where it is read faster, and what is made and dropped before a call shows in its time.
    static func welch<Input>(
        sampleCount: Int,
        _ input: (_ isSecond: Bool) -> Input,
        isRefused: (Input) -> Bool
    ) -> Double {
        var random = SystemRandomNumberGenerator()
        var samples: [(isSecond: Bool, nanoseconds: Double)] = []
        samples.reserveCapacity(sampleCount)
        var wrongCount = 0
        let clock = ContinuousClock()
        for _ in 0..<sampleCount {
            let isSecond = Bool.random(using: &random)
            let input = input(isSecond)
            let start = clock.now
            if !isRefused(input) { wrongCount += 1 }
            let end = clock.now
            samples.append((isSecond, Double((end - start).components.attoseconds) / 1e9))
        }
        if wrongCount > 0 { return .infinity }
        let limit = samples.map(\.nanoseconds).sorted()[sampleCount * 9 / 10]
        let classes = [false, true].map { isSecond in
            samples.filter { $0.isSecond == isSecond && $0.nanoseconds <= limit }.map(\.nanoseconds)
        }
        let means = classes.map { $0.reduce(0, +) / Double($0.count) }
        let errors = zip(classes, means).map { times, mean in
            times.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(times.count - 1) / Double(times.count)
        }
        return (means[0] - means[1]) / (errors[0] + errors[1]).squareRoot()
    }
}
