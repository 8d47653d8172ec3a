public import EventJSON

/// A kind of source that a configuration can name.
public struct SourceType: Sendable {
    /// Looks at a source's `config` and notes what cannot be honoured.
    public typealias Check =
        @Sendable (_ config: JSONObject, _ path: [String], _ problems: inout ConfigurationProblems) -> Void

    /// The type's short name, as `package` may give it.
    public let name: String
    /// The walkerOS packages that the type stands for.
    public let packages: [String]
    /// What it does, in one sentence.
    public let summary: String
    /// The members of its `settings`.
    public let settings: [SettingDescription]
    /// The members of its `config` besides `settings` and those of a mapping.
    public let options: [SettingDescription]
    /// Checks a source's `config`.
    public let check: Check

    /// A type with these properties.
    public init(
        name: String,
        packages: [String],
        summary: String,
        settings: [SettingDescription],
        options: [SettingDescription],
        check: @escaping Check
    ) {
        self.name = name
        self.packages = packages
        self.summary = summary
        self.settings = settings
        self.options = options
        self.check = check
    }

    /// Whether a configuration's `package` names this type; a version behind `@` is not looked at.
    public func isNamed(_ package: String) -> Bool {
        PackageName.bare(package) == name || packages.contains(PackageName.bare(package))
    }
}

/// The name of a package without its version: `@walkeros/server-source-express@4.4.0`.
enum PackageName {
    static func bare(_ package: String) -> String {
        let rest = package.dropFirst()
        return rest.firstIndex(of: "@").map { String(package[..<$0]) } ?? package
    }
}
