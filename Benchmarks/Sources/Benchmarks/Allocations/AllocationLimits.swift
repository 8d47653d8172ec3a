import EventJSON

/// The allocations per event that may be, from `Benchmarks/allocations.json`.
struct AllocationLimits {
    static let tolerancePercent = 5.0

    private let members: JSONObject

    init() throws {
        let path = Program.peersFolder + "/../allocations.json"
        guard let object = try JanssonText.parse(try TextFile.read(path)).object else {
            throw BenchmarkError("\(path) is not an object")
        }
        members = object
    }

    /// The noted figure of one kind of work.
    func figure(_ name: String) throws -> Double {
        guard let figure = members[name].number?.double else {
            throw BenchmarkError("allocations.json says nothing of \"\(name)\"; add a number for it")
        }
        return figure
    }

    /// Whether a measured figure is more than the noted one allows.
    func isExceeded(_ name: String, by measured: Double) throws -> Bool {
        try measured > figure(name) * (1 + Self.tolerancePercent / 100)
    }
}
