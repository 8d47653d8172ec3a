import Collector
import EventJSON

/// The lines of a batch, gathered by file, and which event each belongs to.
struct FileBatch {
    private(set) var appends: [FileAppend] = []
    /// For each file, the events whose lines it gets.
    private var positions: [[Int]] = []
    private var outcomes: [DeliveryOutcome]
    private let settings: FileSettings

    /// - Parameter nowMilliseconds: The time for the functions of a name that ask for it.
    init(_ batch: DeliveryBatch, _ line: FileLine, _ settings: FileSettings, nowMilliseconds: () -> Int) {
        self.settings = settings
        outcomes = Array(repeating: .delivered(), count: batch.deliveries.count)
        var indices: [String: Int] = [:]
        for (position, delivery) in batch.deliveries.enumerated() {
            let name: String
            switch settings.name {
            case .fixed: name = ""
            case .perEvent(let value):
                guard let text = FileNaming.name(of: delivery.event, value, nowMilliseconds: nowMilliseconds()) else {
                    outcomes[position] = .rejected(reason: FileNaming.noName)
                    continue
                }
                name = text
            }
            if let index = indices[name] {
                add(delivery, position, line, to: index)
                continue
            }
            do throws(FileName.Fault) {
                appends.append(FileAppend(place: try FileNaming.place(name, settings)))
                positions.append([])
                indices[name] = appends.count - 1
                add(delivery, position, line, to: appends.count - 1)
            } catch {
                outcomes[position] = .rejected(reason: FileNaming.reason(error))
            }
        }
    }

    private mutating func add(_ delivery: Delivery, _ position: Int, _ line: FileLine, to index: Int) {
        line.append(delivery, to: &appends[index].text)
        appends[index].lineEnds.append(appends[index].text.count)
        positions[index].append(position)
    }

    /// One outcome for each event of the batch.
    func outcomes(_ results: [FileAppend.Result]) -> [DeliveryOutcome] {
        var outcomes = outcomes
        for (index, result) in results.enumerated() {
            guard let failure = result.failure else { continue }
            let reason = "\(settings.label(of: appends[index].place)): \(failure)"
            // No event is to blame for a file that the settings name.
            let isTransient = failure.isTransient || settings.place != nil
            for position in positions[index].dropFirst(result.writtenCount) {
                outcomes[position] = isTransient ? .retry(reason: reason) : .rejected(reason: reason)
            }
        }
        return outcomes
    }
}

/// The names that events give files.
enum FileNaming {
    /// Why an event that names no file is rejected.
    static let noName = "file destination: the event gives no text for 'filename'"

    /// Why an event whose file's name breaks a rule is rejected; says nothing of the name.
    static func reason(_ fault: FileName.Fault) -> String {
        "file destination: the event's 'filename' \(fault.rawValue)"
    }

    /// The name that the event gives; nil if it gives none, or no text.
    static func name(of event: Event, _ value: ValueMapping, nowMilliseconds: Int) -> String? {
        let name = (try? value.value(in: event, consent: [:], nowMilliseconds: nowMilliseconds))?.string
        return name.flatMap { $0.isEmpty ? nil : $0 }
    }

    /// The file with that name; the name does not matter where the settings name the file.
    static func place(_ name: String, _ settings: FileSettings) throws(FileName.Fault) -> FilePlace {
        if let place = settings.place { return place }
        return FilePlace(try FileName(name), in: settings.directory ?? ".")
    }
}
