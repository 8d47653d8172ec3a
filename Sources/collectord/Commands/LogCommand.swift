import ArgumentParser
import Collector
import DurableLog
import EventJSON
import EventLog
import Foundation

/// `collectord log`: looking at the log.
struct LogCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "log",
        abstract: "Look at the log of accepted events: of a running daemon, or in a directory.",
        subcommands: [List.self, Tail.self, Dump.self, Check.self, Salvage.self, Forget.self]
    )

    /// The stream that is meant if none is named.
    static let events = EventLog.name(of: .events)

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Streams, where they begin and end, how many messages they have, and who is where in them."
        )
        @OptionGroup var place: LogPlace

        func run() async throws {
            for stream in try await place.access().streams() {
                print("\(stream.name)  \(stream.earliest) to \(stream.tail)  \(stream.messageCount) messages")
                for (name, offset) in stream.cursors.sorted(by: { $0.key < $1.key }) { print("    \(name)  \(offset)") }
            }
        }
    }

    struct Tail: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "The last messages of a stream, a line of JSON each.")
        @OptionGroup var place: LogPlace
        @Option(help: "The stream.") var stream = LogCommand.events
        @Option(name: .shortAndLong, help: "How many.") var count = 10
        @Flag(name: .shortAndLong, help: "Go on with those that a running daemon writes, until SIGINT. With --admin.")
        var follow = false

        func validate() throws {
            guard count > 0 else { throw ValidationError("--count is at least 1") }
        }

        func run() async throws {
            if follow {
                let log = try place.running(for: "--follow shows what a running daemon writes")
                let stream = try await log.stream(stream)
                try await show(stream, log)
                try await LogFollowing(log: log, stream: stream.name).run(from: stream.tail)
            } else {
                let access = try place.access()
                try await show(try await access.stream(stream), access)
            }
        }

        private func show(_ stream: LogStream, _ access: any LogAccess) async throws {
            var byteCount: UInt64 = 64 << 10
            while true {
                let begins = stream.tail.position - stream.earliest.position <= byteCount
                let start = begins ? stream.earliest : StreamOffset(position: stream.tail.position - byteCount)
                var messages: [LogMessage] = []
                try await access.forEach(in: stream, from: start, to: stream.tail) {
                    messages.append($0)
                    if messages.count > 2 * count { messages.removeFirst(messages.count - count) }
                }
                if messages.count >= count || begins {
                    for message in messages.suffix(count) { StandardOutput.writeLine(LogMessageText.line(message)) }
                    return
                }
                byteCount *= 4
            }
        }
    }

    struct Dump: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "The messages of a stream, a line of JSON each: offset, time, message."
        )
        @OptionGroup var place: LogPlace
        @Option(help: "The stream.") var stream = LogCommand.events
        @Option(help: "From here: an offset, or a time such as 2026-11-21T10:00:00Z.") var from: LogPoint?
        @Option(help: "Up to here.") var to: LogPoint?

        func run() async throws {
            let access = try place.access()
            let stream = try await access.stream(stream)
            let start = try await from?.offset(in: stream, access) ?? stream.earliest
            let end = try await to?.offset(in: stream, access) ?? stream.tail
            try await access.forEach(in: stream, from: start, to: end) {
                StandardOutput.writeLine(LogMessageText.line($0))
            }
        }
    }

    struct Check: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract:
                "Look at every checksum in a directory, and at what refers to what. Exit 1 if something is damaged."
        )
        @Option(name: .customLong("data-dir"), help: "The directory, which no daemon uses now.") var directory: String?

        func run() async throws {
            let inspector: StoreInspector
            do {
                inspector = try StoreInspector(directory: DataOptions.path(named: directory))
            } catch {
                throw CommandError("\(error)")
            }
            var progress = ProgressLine()
            let report = inspector.check { progress.show($0.doneByteCount, of: $0.totalByteCount) }
            progress.end()
            print("\(report.fileCount) files, \(report.frameCount) frames, \(report.messageCount) messages")
            for problem in report.problems { print("\(problem.place) \(problem.byteRange): \(problem.what)") }
            if !report.problems.isEmpty { throw ExitCode(1) }
        }
    }

    struct Forget: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Keep events no longer for a destination that is gone from the flow."
        )
        @OptionGroup var place: LogPlace
        @Option(help: "The destination.") var destination: String

        func run() async throws {
            try await place.change { try await $0.forget(destination) }
        }
    }

    struct Salvage: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Bring all that can be read of a directory into a new one."
        )
        @Option(name: .customLong("data-dir"), help: "The damaged directory, which no daemon uses now.")
        var directory: String?
        @Option(help: "A new directory.", completion: .directory) var to: String

        func run() async throws {
            let (inspector, store): (StoreInspector, DurableStreamStore)
            do {
                inspector = try StoreInspector(directory: DataOptions.path(named: directory))
                store = try DurableStreamStore(directory: to)
            } catch {
                throw CommandError("\(error)")
            }
            let progress = SharedProgressLine()
            let report = await inspector.salvage(to: store) { progress.show($0.doneByteCount, of: $0.totalByteCount) }
            progress.end()
            await store.close()
            print("\(report.streamCount) streams, \(report.messageCount) messages")
            for (name, ranges) in report.damaged.sorted(by: { $0.key < $1.key }) {
                for range in ranges { print("\(name): lost \(range.lowerBound) to \(range.upperBound)") }
            }
            for (name, error) in report.failed.sorted(by: { $0.key < $1.key }) { print("\(name): \(error)") }
            if !report.failed.isEmpty { throw ExitCode(1) }
        }
    }
}

extension LogAccess {
    /// Every message between two offsets.
    func forEach(
        in stream: LogStream,
        from start: StreamOffset,
        to end: StreamOffset,
        _ body: (LogMessage) -> Void
    ) async throws {
        var offset = start
        while offset < end {
            let page = try await read(stream.name, from: offset, maximumCount: 1000)
            for message in page.messages where message.end <= end { body(message) }
            guard page.next > offset else { return }
            offset = page.next
        }
    }
}
