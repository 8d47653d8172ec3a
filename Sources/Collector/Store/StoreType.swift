public import EventJSON

/// A kind of store that a configuration can name.
public struct StoreType: Sendable {
    /// Makes a store of its `settings`. What cannot be honoured is added to the problems.
    public typealias Factory =
        @Sendable (_ settings: JSONValue, _ path: [String], _ problems: inout ConfigurationProblems) -> any Store

    /// The type's short name, as `package` may give it.
    public let name: String
    /// The walkerOS packages that the type stands for.
    public let packages: [String]
    /// What it does, in one sentence.
    public let summary: String
    /// Its settings.
    public let settings: [SettingDescription]
    /// Makes a store.
    public let make: Factory

    /// A type with these properties.
    public init(
        name: String,
        packages: [String],
        summary: String,
        settings: [SettingDescription],
        make: @escaping Factory
    ) {
        self.name = name
        self.packages = packages
        self.summary = summary
        self.settings = settings
        self.make = make
    }

    /// Whether a configuration's `package` names this type; a version behind `@` is not looked at.
    public func isNamed(_ package: String) -> Bool {
        PackageName.bare(package) == name || packages.contains(PackageName.bare(package))
    }

    /// Keeps values in memory; they are lost when the process ends.
    public static let memory = StoreType(
        name: "memory",
        packages: ["@walkeros/store-memory"],
        summary: "Keeps values in memory.",
        settings: [
            SettingDescription(
                "maxCount",
                .integer(1...10_000_000),
                default: "10000",
                "Values kept; beyond it those go that were not used for longest."
            )
        ]
    ) { settings, path, problems in
        var reader = SettingsReader(settings, path: path, known: ["maxCount"], of: "a memory store", &problems)
        let count = reader.whole("maxCount", 1...10_000_000) ?? MemoryStore.standardMaximumCount
        problems = reader.problems
        return MemoryStore(maximumCount: count)
    }
}
