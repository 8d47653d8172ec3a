import Synchronization

/// Open segment files, no more than so many: what was used longest ago is closed.
final class DescriptorCache: Sendable {
    private struct State {
        var files: [SegmentKey: (file: any StorageFile, use: UInt64)] = [:]
        var use: UInt64 = 0
    }

    private let maximumCount: Int
    private let state = Mutex(State())

    init(maximumCount: Int) { self.maximumCount = max(1, maximumCount) }

    /// The open file of a segment, or one that the body opens.
    func file(_ key: SegmentKey, open: () throws(FileFailure) -> any StorageFile) throws(FileFailure)
        -> any StorageFile
    {
        let known = state.withLock { state -> (any StorageFile)? in
            state.use += 1
            guard let file = state.files[key]?.file else { return nil }
            state.files[key] = (file, state.use)
            return file
        }
        if let known { return known }
        let file = try open()
        state.withLock { state in
            if state.files.count >= maximumCount, let oldest = state.files.min(by: { $0.value.use < $1.value.use })?.key
            {
                state.files[oldest] = nil
            }
            state.files[key] = (file, state.use)
        }
        return file
    }

    func forget(_ key: SegmentKey) { state.withLock { $0.files[key] = nil } }

    func forgetAll() { state.withLock { $0.files = [:] } }
}
