import Collector
import CollectorTesting
import EventJSON
import Logging
import Testing

@Suite("Logs that strangers cause")
struct LogAllowanceTests {
    @Test("ten lines a second on invalid events, and how many there were besides")
    func invalidEvents() async {
        let logs = RecordedLogs()
        let time = ManualTime()
        let collector = Collector(logger: logs.logger(), time: time.collectorTime)
        await collector.start()
        for _ in 0..<3 { _ = await collector.push(Array(repeating: [:], count: 100)) }
        #expect(logs.messages(at: .warning).count == 10)
        time.advance(milliseconds: 1000)
        _ = await collector.push([:])
        let last = logs.entries.last { $0.message == "invalid event rejected" }
        #expect(last?.metadata["omitted"] == "290")
        await collector.shutdown()
    }
}
