public import EventJSON

/// A kind of transformer that a configuration can name.
public struct TransformerType: Sendable {
    /// Makes a transformer of its `settings`. What cannot be honoured is added to the problems.
    public typealias Factory =
        @Sendable (_ settings: JSONValue, _ path: [String], _ problems: inout ConfigurationProblems) -> any Transformer

    /// The type's short name, as `package` may give it.
    public let name: String
    /// The walkerOS packages that the type stands for.
    public let packages: [String]
    /// What it does, in one sentence.
    public let summary: String
    /// Its settings.
    public let settings: [SettingDescription]
    /// Makes a transformer.
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

    /// The types that every collector knows.
    public static let builtIn: [TransformerType] = [.validate, .fingerprint]
}

/// A transformer, its name, and how it is treated.
public struct TransformerRegistration: Sendable {
    /// The name under which routes find it.
    public let id: String
    /// The transformer.
    public let transformer: any Transformer
    /// What happens before and after it.
    public var steps: StepOptions
    /// Whether events pass by it, to what follows.
    public var isDisabled = false
    /// What it gives instead of being asked: an event, an array of events, or false; missing to ask it.
    public var mock: JSONValue = .missing

    /// A registration under that id.
    public init(id: String, transformer: any Transformer, steps: StepOptions = StepOptions()) {
        self.id = id
        self.transformer = transformer
        self.steps = steps
    }
}
