import ArgumentParser
import DurableLog
import EventLog

/// `collectord replay`: delivers what is still in the log once more.
struct ReplayCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "replay",
        abstract: "Deliver events that are still in the log once more, to one destination, under the rules it has now.",
        discussion: "In a directory that no daemon uses it is noted, and begins when one starts."
    )

    @OptionGroup var place: LogPlace
    @Option(help: "The destination.") var destination: String
    @Option(help: "From here: an offset, or a time such as 2026-11-21T10:00:00Z.") var from: LogPoint
    @Option(help: "Up to here. Default: all there is.") var to: LogPoint?

    func run() async throws {
        let range = try await range()
        guard let range else { throw CommandError("there is nothing to replay in that range") }
        try await place.change { try await $0.replay(range, to: destination) }
        let (start, end) = (StreamOffset(position: range.lowerBound), StreamOffset(position: range.upperBound))
        print("events from \(start) to \(end) go to \(destination) again")
    }

    /// The range, looked up; the look is over before anything is changed, since a directory has one user at a time.
    private func range() async throws -> Range<UInt64>? {
        let access = try place.access()
        let stream = try await access.stream(LogCommand.events)
        let start = try await from.offset(in: stream, access).position
        let end = try await to?.offset(in: stream, access).position ?? stream.tail.position
        return start < end ? start..<end : nil
    }
}
