/// Where `$env` and `$secret` look: the process's environment and, for `NAME_FILE`, files.
public struct EnvironmentSource: Sendable {
    /// The value of a variable; nil if it is not set.
    public let variable: @Sendable (String) -> String?
    /// The text of a file; nil if it cannot be read.
    public let file: @Sendable (String) -> String?

    /// A source made of two functions.
    public init(
        variable: @escaping @Sendable (String) -> String?,
        file: @escaping @Sendable (String) -> String?
    ) {
        self.variable = variable
        self.file = file
    }

    /// A source with just these variables and no files.
    public init(_ variables: [String: String]) {
        self.init(variable: { variables[$0] }, file: { _ in nil })
    }
}
