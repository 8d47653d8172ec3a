public import Collector
import EventJSON

/// Prints each event as one line of JSON on standard output.
///
/// Settings: `show`: "event" (default), "data" (what mapping made of it), or "both".
public struct ConsoleDestination: PreviewableDestination {
    /// What is printed.
    public enum Content: String, Sendable, CaseIterable {
        /// The event.
        case event
        /// The mapped data; nothing is printed for an event that has none.
        case data
        /// An object of both.
        case both
    }

    /// "console".
    public var type: String { "console" }
    private let content: Content
    private let writer: BlockingWriter

    /// A destination that prints that content.
    public init(_ content: Content = .event) {
        self.init(content, descriptor: 1)
    }

    /// A destination that writes to an open descriptor.
    init(_ content: Content, descriptor: Int32) {
        self.content = content
        writer = BlockingWriter(descriptor: descriptor, label: "collectord.console")
    }

    /// Prints the batch.
    public func deliver(_ batch: DeliveryBatch) async -> [DeliveryOutcome] {
        var text: [UInt8] = []
        for delivery in batch.deliveries {
            let line = line(for: delivery)
            if !line.isEmpty { text += line + [UInt8(ascii: "\n")] }
        }
        do throws(WriteFailure) {
            try await writer.write(text)
            return batch.deliveries.map { _ in .delivered() }
        } catch {
            let reason = "standard output: \(error)"
            return batch.deliveries.map { _ in error.isTransient ? .retry(reason: reason) : .rejected(reason: reason) }
        }
    }

    /// The line that would be printed.
    public func preview(_ delivery: Delivery) -> [String] {
        let line = line(for: delivery)
        return line.isEmpty ? [] : ["print", String(decoding: line, as: UTF8.self)]
    }

    private func line(for delivery: Delivery) -> [UInt8] {
        switch content {
        case .event: return delivery.event.json
        case .data: return delivery.dataJSON
        case .both:
            return JSONValue.object(["event": .object(delivery.event.object), "data": delivery.data]).jsonText
        }
    }
}

extension DestinationType {
    /// Prints events on standard output.
    public static let console = DestinationType(
        name: "console",
        packages: [],
        summary: "Prints each event as one line of JSON on standard output.",
        settings: [
            SettingDescription(
                "show",
                .choice(ConsoleDestination.Content.allCases.map(\.rawValue)),
                default: "event",
                "What is printed: the event, the mapped data, or both."
            )
        ]
    ) { settings, path, problems in
        var reader = SettingsReader(settings, path: path, known: ["show"], of: "a console destination", &problems)
        let content = reader.choice("show", ConsoleDestination.Content.self) ?? .event
        problems = reader.problems
        return ConsoleDestination(content)
    }
}
