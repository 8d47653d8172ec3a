public import EventJSON

/// What a mapping says about events of one kind.
public final class MappingRule: Sendable {
    /// The rule's `settings`, which only the destination understands; missing if there are none.
    public let settings: JSONValue

    init(settings: JSONValue) {
        self.settings = settings
    }
}
