/// Why a checkpoint was not taken.
struct CheckpointFailure: Error, CustomStringConvertible {
    let description: String
    /// There was no room; there may be later.
    let isFull: Bool

    init(_ failure: FileFailure, isSynchronizing: Bool = false) {
        description = failure.description
        isFull = failure.isFull && !isSynchronizing
    }

    init(_ failure: MetadataFailure) {
        description = failure.description
        isFull = failure.isFull
    }
}
