public import EventJSON

/// What a source notes of a request for the steps of its events: the method, a header, what `ingest` selects.
///
/// A reference, so that events which have none carry no weight.
public final class Ingest: Sendable {
    /// The noted values, an object.
    public let value: JSONValue

    /// An ingest of those values.
    public init(_ value: JSONValue) {
        self.value = value
    }
}
