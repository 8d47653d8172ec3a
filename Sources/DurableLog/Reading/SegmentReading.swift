/// Reads pages from segment files, on threads of its own.
protocol SegmentReading: Sendable {
    /// Calls back with the page; with `gone` when a file is not there any more, unless such files are passed over.
    func read(_ plan: ReadPlan, passingOverMissingFiles: Bool, completion: @escaping StoreCompletion<StreamPage>)
}
