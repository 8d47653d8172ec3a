/// Why a checkpoint was not taken.
struct CheckpointFailure: Error, CustomStringConvertible {
    let description: String
    /// There was no room, or no descriptor; there may be later.
    let isFull: Bool

    init(_ failure: FileFailure, isSynchronizing: Bool = false) {
        description = failure.description
        // What is to be made durable, and could not be opened for it, is made so the next time.
        isFull = failure.isFull && !isSynchronizing || failure.isOutOfDescriptors
    }

    init(_ failure: MetadataFailure) {
        description = failure.description
        isFull = failure.isFull
    }
}
