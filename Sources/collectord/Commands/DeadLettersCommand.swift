import ArgumentParser
import Collector
import DurableLog
import EventJSON
import EventLog

/// `collectord dead-letters`: events that destinations could not deliver.
struct DeadLettersCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dead-letters",
        abstract: "Events that a destination refused: look at them, try them again, forget them.",
        subcommands: [List.self, Show.self, Replay.self, Drop.self]
    )

    /// A destination's letters.
    struct Letters: ParsableArguments {
        @OptionGroup var place: LogPlace
        @Option(help: "The destination.") var destination: String

        var stream: String { EventLog.name(of: .deadLetters(destination: destination)) }

        /// The stream; nil if the destination never had a dead letter.
        func find(_ access: any LogAccess) async throws -> LogStream? {
            try await access.streams().first { $0.name == stream }
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "One line each: offset, time, attempts, event, id, reason."
        )
        @OptionGroup var letters: Letters

        func run() async throws {
            let access = try letters.place.access()
            guard let stream = try await letters.find(access) else { return print("no dead letters") }
            var count = 0
            try await access.forEach(in: stream, from: stream.earliest, to: stream.tail) { message in
                guard let letter = try? DeadLetterRecord(json: message.text) else { return }
                count += 1
                let time = ISOTime.text(ofMilliseconds: letter.milliseconds) ?? "-"
                let event = letter.event
                print("\(message.end)  \(time)  \(letter.attemptCount)  \(event.name)  \(event.id)  \(letter.reason)")
            }
            if count == 0 { print("no dead letters") }
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "One dead letter, whole.")
        @OptionGroup var letters: Letters
        @Argument(help: "Its offset, as the list has it.") var offset: LogPoint

        func run() async throws {
            let access = try letters.place.access()
            guard let stream = try await letters.find(access), case .offset(let wanted) = offset else {
                throw CommandError("there is no such dead letter")
            }
            var found: LogMessage?
            try await access.forEach(in: stream, from: stream.earliest, to: stream.tail) { message in
                if message.end == wanted { found = message }
            }
            guard let found, let value = try? JSONValue(jsonText: found.text, limits: .unbounded) else {
                throw CommandError("there is no such dead letter: see `collectord dead-letters list`")
            }
            print(JanssonText.write(value))
        }
    }

    struct Replay: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Try them again under the rules there are now; what fails again is a dead letter again.",
            discussion: "In a directory that no daemon uses it is noted, and begins when one starts."
        )
        @OptionGroup var letters: Letters
        @Option(help: "Only up to this one.") var to: LogPoint?

        func run() async throws {
            let end = try position(to)
            try await letters.place.change {
                try await $0.replayDeadLetters(before: end, of: letters.destination)
            }
        }
    }

    struct Drop: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Forget them.")
        @OptionGroup var letters: Letters
        @Option(help: "Only up to this one.") var to: LogPoint?

        func run() async throws {
            let end = try position(to)
            try await letters.place.change {
                try await $0.dropDeadLetters(before: end, of: letters.destination)
            }
        }
    }

    private static func position(_ point: LogPoint?) throws -> UInt64 {
        switch point {
        case .none: return .max
        case .offset(let offset): return offset.position
        case .time: throw CommandError("--to is an offset, as the list has it")
        }
    }
}
