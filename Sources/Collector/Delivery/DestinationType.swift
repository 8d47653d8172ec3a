public import EventJSON

/// A kind of destination that a configuration can name: what it is called, which settings it has, how it is made.
///
/// ```swift
/// let printer = DestinationType(name: "printer", packages: [], summary: "Prints event names.", settings: []) {
///     settings, path, problems in Printer()
/// }
/// ```
public struct DestinationType: Sendable {
    /// Makes a destination of its `settings`. What cannot be honoured is added to the problems, with the path of the
    /// setting; the result is then not used.
    public typealias Factory =
        @Sendable (_ settings: JSONValue, _ path: [String], _ problems: inout ConfigurationProblems) -> any Destination

    /// The type's short name, as `package` may give it.
    public let name: String
    /// The walkerOS packages that the type stands for.
    public let packages: [String]
    /// What it does, in one sentence.
    public let summary: String
    /// Its settings.
    public let settings: [SettingDescription]
    /// The settings that a mapping rule may give it.
    public let ruleSettings: [SettingDescription]
    /// The mapping that it ships: entity → action → rule. A user's rule replaces the shipped one, or changes it by
    /// `extend` and `remove`.
    public let mapping: JSONObject
    /// Makes a destination.
    public let make: Factory

    /// A type with these properties.
    public init(
        name: String,
        packages: [String],
        summary: String,
        settings: [SettingDescription],
        ruleSettings: [SettingDescription] = [],
        mapping: JSONObject = [:],
        make: @escaping Factory
    ) {
        self.name = name
        self.packages = packages
        self.summary = summary
        self.settings = settings
        self.ruleSettings = ruleSettings
        self.mapping = mapping
        self.make = make
    }

    /// A user's mapping laid over the shipped one. What would be left out in silence is added to `problems`.
    public func merging(
        _ mapping: JSONValue,
        path: [String],
        problems: inout ConfigurationProblems
    ) -> JSONValue {
        MappingRuleMerge.mapping(self.mapping, mapping, path: path, problems: &problems)
    }

    /// Whether a configuration's `package` names this type; a version behind `@` is not looked at.
    public func isNamed(_ package: String) -> Bool {
        PackageName.bare(package) == name || packages.contains(PackageName.bare(package))
    }
}
