/// A text that never shows itself: printed, interpolated, dumped or mirrored it is `<redacted>`.
///
/// ```swift
/// configuration.password = "swordfish"
/// print(configuration)  // redis://<redacted>@localhost:6379/0
/// ```
public struct RedisSecret: Sendable, Hashable, ExpressibleByStringLiteral {
    /// The text itself, for the wire only.
    let revealed: String

    /// Hides a text.
    public init(_ text: String) {
        revealed = text
    }

    /// Hides a literal.
    public init(stringLiteral value: String) {
        self.init(value)
    }
}

extension RedisSecret: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// Always `<redacted>`.
    public var description: String { "<redacted>" }

    /// Always `<redacted>`.
    public var debugDescription: String { description }

    /// Has no children.
    public var customMirror: Mirror { Mirror(self, children: []) }
}
