import Collector
import Foundation

/// Puts each event into a file of its own, for a program that picks them up.
struct SpoolDestination: Destination {
    let type = "spool"
    let folder: URL

    init(folder: URL) { self.folder = folder }

    func initialize(_ context: DestinationContext) async throws -> DestinationReadiness {
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        return .ready
    }

    func deliver(_ batch: DeliveryBatch) async -> [DeliveryOutcome] {
        await withCheckedContinuation { continuation in
            // Files block: not on the threads that all tasks share.
            DispatchQueue.global().async { continuation.resume(returning: batch.deliveries.map(write)) }
        }
    }

    private func write(_ delivery: Delivery) -> DeliveryOutcome {
        let id = delivery.event.id
        // A client chose it: it must not lead out of the folder.
        guard !id.isEmpty, !id.hasPrefix("."), !id.contains("/"), id.utf8.count < 200 else {
            return .rejected(reason: "the event's id is no file name")
        }
        do {
            // Atomically, so that nobody picks up half an event. One that comes twice replaces itself.
            try Data(delivery.event.json).write(to: folder.appending(path: id + ".json"), options: .atomic)
            return .delivered()
        } catch {
            return .retry(reason: error.localizedDescription)
        }
    }
}
