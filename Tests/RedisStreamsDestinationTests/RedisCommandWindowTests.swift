import Testing

@testable import RedisStreamsDestination

@Suite("Window of unanswered commands")
struct RedisCommandWindowTests {
    private let start = ContinuousClock.now

    /// Batches of commands of ten bytes each.
    private func window(batches: [Int], deadline: Duration = .seconds(10)) -> RedisCommandWindow {
        var window = RedisCommandWindow(maximumUnansweredCommands: 1_000)
        for (index, commandCount) in batches.enumerated() {
            for _ in 0..<commandCount { window.append(commandLength: 10) }
            window.append(batchOf: commandCount, deadline: start + deadline + .seconds(index))
        }
        return window
    }

    @Test("replies finish batches in order")
    func repliesFinishBatches() {
        var window = window(batches: [2, 1])
        #expect(window.unwritten == 0..<30)
        window.wrote(30)
        #expect(window.unwritten.isEmpty)
        #expect(window.receivedReply() == false)
        #expect(window.receivedReply() == true)
        #expect(window.answered == 20)
        #expect(window.receivedReply() == true)
        #expect(window.isEmpty)
        #expect(window.answeredCommandCount == 3)
    }

    @Test("a reply to a command that is not wholly written is unsolicited")
    func unsolicitedReplies() {
        var window = window(batches: [2])
        #expect(window.receivedReply() == nil)
        window.wrote(9)
        #expect(window.receivedReply() == nil)
        window.wrote(2)
        #expect(window.receivedReply() == false)
        #expect(window.receivedReply() == nil)
    }

    @Test("after a lost connection writing begins at the first command without a reply, within its batch")
    func rewind() {
        var window = window(batches: [3, 2])
        window.wrote(45)
        _ = window.receivedReply()
        window.rewind()
        #expect(window.unwritten == 10..<50)
        window.wrote(40)
        #expect(window.receivedReply() == false)
        #expect(window.receivedReply() == true)
        #expect(window.receivedReply() == false)
        #expect(window.receivedReply() == true)
        #expect(window.isEmpty)
    }

    @Test("batches expire from the front, and say whether the connection may still answer them")
    func expiry() {
        var unwritten = window(batches: [1, 1, 1])
        #expect(unwritten.expire(now: start + .seconds(9)) == .init(batchCount: 0, wasWritten: false))
        #expect(unwritten.expire(now: start + .seconds(11)) == .init(batchCount: 2, wasWritten: false))
        #expect(unwritten.unwritten == 20..<30)
        #expect(unwritten.nextDeadline == start + .seconds(12))

        var written = window(batches: [2, 1])
        written.wrote(20)
        _ = written.receivedReply()
        #expect(written.expire(now: start + .seconds(10)) == .init(batchCount: 1, wasWritten: true))
        #expect(written.answered == 20)
        #expect(written.answeredCommandCount == 2)
        #expect(written.unwritten == 20..<30)

        var answered = window(batches: [1, 1])
        answered.wrote(10)
        _ = answered.receivedReply()
        #expect(answered.expire(now: start + .seconds(20)) == .init(batchCount: 1, wasWritten: false))
    }

    @Test("giving up everything leaves nothing to write")
    func removeAll() {
        var window = window(batches: [2, 3])
        window.wrote(25)
        _ = window.receivedReply()
        #expect(window.removeAll() == 2)
        #expect(window.isEmpty)
        #expect(window.answered == window.end)
        #expect(window.unwritten.isEmpty)
        #expect(window.commandCount == 0)
        #expect(window.answeredCommandCount == 5)
    }

    @Test("a long run of random steps agrees with a plain list of commands", arguments: 0..<20 as Range<UInt64>)
    func agreesWithModel(_ seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        var window = RedisCommandWindow(maximumUnansweredCommands: 1_000)
        var unanswered: [(length: Int, isLast: Bool)] = []
        var written = 0  // bytes of `unanswered` that the connection has
        for _ in 0..<2_000 {
            switch Int.random(in: 0..<5, using: &random) {
            case 0, 1:
                let commandCount = Int.random(in: 1...4, using: &random)
                for index in 0..<commandCount {
                    let length = Int.random(in: 1...20, using: &random)
                    window.append(commandLength: length)
                    unanswered.append((length, index == commandCount - 1))
                }
                window.append(batchOf: commandCount, deadline: start + .seconds(60))
            case 2:
                let byteCount = Int.random(in: 0...min(40, window.unwritten.count), using: &random)
                window.wrote(byteCount)
                written += byteCount
            case 3:
                let isWritten = unanswered.first.map { $0.length <= written } ?? false
                #expect(window.receivedReply() == (isWritten ? unanswered.first?.isLast : nil))
                if isWritten { written -= unanswered.removeFirst().length }
            default:
                if Int.random(in: 0..<10, using: &random) == 0 {
                    window.rewind()
                    written = 0
                }
            }
            #expect(window.commandCount == unanswered.count)
            #expect(window.end - window.answered == unanswered.reduce(0) { $0 + $1.length })
            #expect(window.written - window.answered == written)
        }
    }
}

@Suite("Bytes of unanswered commands")
struct RedisCommandLogTests {
    private func read(_ log: inout RedisCommandLog, from position: Int, to end: Int) -> [UInt8] {
        var bytes: [UInt8] = []
        while position + bytes.count < end {
            let piece = log.withBytes(from: position + bytes.count) { Array($0) }
            guard !piece.isEmpty else { break }
            bytes += piece
        }
        return bytes
    }

    @Test("what was appended can be read again from any position until it is released", arguments: [1, 7, 100, 5_000])
    func readsAgain(_ size: Int) {
        var log = RedisCommandLog()
        var all: [UInt8] = []
        var buffer: [UInt8] = []
        for number in 0..<50 {
            buffer = [UInt8](repeating: UInt8(number), count: size + number)
            all += buffer
            log.append(&buffer)
            #expect(buffer.isEmpty)
        }
        #expect(read(&log, from: 0, to: all.count) == all)
        let middle = all.count / 2
        #expect(read(&log, from: middle, to: all.count) == Array(all[middle...]))
        log.release(upTo: middle)
        #expect(read(&log, from: middle, to: all.count) == Array(all[middle...]))
        #expect(read(&log, from: middle + 3, to: all.count) == Array(all[(middle + 3)...]))
        #expect(read(&log, from: middle, to: all.count) == Array(all[middle...]))
        log.release(upTo: all.count)
        #expect(log.segmentCount == 0)
        buffer = [1, 2, 3]
        log.append(&buffer)
        #expect(read(&log, from: all.count, to: all.count + 3) == [1, 2, 3])
    }

    @Test("many small batches share buffers")
    func coalesces() {
        var log = RedisCommandLog()
        for _ in 0..<10_000 {
            var buffer = [UInt8](repeating: 1, count: 100)
            log.append(&buffer)
        }
        #expect(log.segmentCount < 20)
    }

    @Test("a buffer that ballooned is not kept")
    func shrinks() {
        var log = RedisCommandLog()
        var buffer = [UInt8](repeating: 1, count: RedisCommandLog.maximumSpareBytes * 2)
        let size = buffer.count
        log.append(&buffer)
        log.release(upTo: size)
        buffer = [1]
        log.append(&buffer)
        #expect(buffer.capacity <= RedisCommandLog.maximumSpareBytes)
    }
}

@Suite("Queue")
struct RedisQueueTests {
    @Test("first in, first out, over any number of removals")
    func order() {
        var queue = RedisQueue<Int>()
        var next = 0
        for number in 0..<10_000 {
            queue.append(number)
            if number % 3 == 2 {
                #expect(queue.first == next)
                #expect(queue.popFirst() == next)
                next += 1
            }
        }
        while let number = queue.popFirst() {
            #expect(number == next)
            next += 1
        }
        #expect(next == 10_000)
        #expect(queue.isEmpty)
        #expect(queue.popFirst() == nil)
        #expect(queue.first == nil)
    }

}

@Suite("Limit of unanswered commands")
struct RedisWindowLimitTests {
    private let start = ContinuousClock.now

    @Test("no more than the limit is written and unanswered, whatever happens to batches")
    func limit() {
        var window = RedisCommandWindow(maximumUnansweredCommands: 3)
        for batch in 0..<4 {
            for _ in 0..<2 { window.append(commandLength: 10) }
            window.append(batchOf: 2, deadline: start + .seconds(batch))
        }
        #expect(window.unwritten == 0..<30)
        window.wrote(30)
        #expect(window.unwritten.isEmpty)
        #expect(window.receivedReply() == false)
        #expect(window.unwritten == 30..<40)
        // The first batch's time is over: its second command is given up.
        #expect(window.expire(now: start).batchCount == 1)
        #expect(window.unwritten == 30..<50)
        window.wrote(20)
        window.rewind()
        #expect(window.unwritten == 20..<50)
        #expect(window.removeAll() == 3)
        #expect(window.unwritten.isEmpty)
        window.append(commandLength: 10)
        window.append(batchOf: 1, deadline: start + .seconds(9))
        #expect(window.unwritten == 80..<90)
    }

    @Test("the limit holds for any order of events", arguments: 0..<20 as Range<UInt64>)
    func anyOrder(_ seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        var window = RedisCommandWindow(maximumUnansweredCommands: 8)
        var now = start
        for _ in 0..<2_000 {
            switch Int.random(in: 0..<6, using: &random) {
            case 0:
                let count = Int.random(in: 1...9, using: &random)
                for _ in 0..<count { window.append(commandLength: 10) }
                window.append(batchOf: count, deadline: now + .seconds(3))
            case 1: window.wrote(Int.random(in: 0...window.unwritten.count, using: &random))
            case 2, 3: _ = window.receivedReply()
            case 4: if Int.random(in: 0..<9, using: &random) == 0 { window.rewind() }
            default:
                now += .seconds(1)
                _ = window.expire(now: now)
            }
            let (most, least) = (min(window.commandCount, 8) * 10, min(window.commandCount, 7) * 10)
            #expect(window.unwritten.upperBound <= max(window.written, window.answered + most))
            // Never nothing: a quarter may stay free, but what waits goes on.
            #expect(window.unwritten.upperBound >= window.answered + least)
        }
    }
}
