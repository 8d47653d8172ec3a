/// One setting of a destination or source, for help texts and for the JSON Schema of flow.json.
public struct SettingDescription: Sendable, Equatable {
    /// What a setting's value is.
    public enum Kind: Sendable, Equatable {
        /// Text.
        case string
        /// A whole number within these bounds.
        case integer(ClosedRange<Int>)
        /// True or false.
        case boolean
        /// One of these texts.
        case choice([String])
        /// An object with these members.
        case object([SettingDescription])
        /// An object whose members are free.
        case dictionary
        /// An array of text.
        case strings
        /// An array of these.
        indirect case list(Kind)
        /// A value of any of these kinds.
        case oneOf([Kind])
        /// Text, or a mapping value that is computed for each event.
        case mappingValue
        /// Anything.
        case any
    }

    /// The member's name.
    public let name: String
    /// What its value is.
    public let kind: Kind
    /// Whether it must be given.
    public let isRequired: Bool
    /// What holds if it is not given, in words or as JSON; nil if nothing.
    public let fallback: String?
    /// What it does, in one sentence, with its unit.
    public let summary: String

    /// A setting with these properties.
    public init(
        _ name: String,
        _ kind: Kind,
        isRequired: Bool = false,
        default fallback: String? = nil,
        _ summary: String
    ) {
        self.name = name
        self.kind = kind
        self.isRequired = isRequired
        self.fallback = fallback
        self.summary = summary
    }
}
