/// Changes events by a mapping's policies, rules and names, or leaves them as they are if there is none.
///
/// A rule that ignores an event drops it. Mapped data is not used: it belongs to destinations.
public struct MappingTransformer: ImmediateTransformer {
    /// "mapping".
    public var type: String { "mapping" }
    private let mapping: Mapping

    /// A transformer of that mapping.
    public init(_ mapping: Mapping = .none) {
        self.mapping = mapping
    }

    /// The mapped event. A value that cannot be computed is missing afterwards, as everywhere in mappings.
    public func transform(_ input: TransformerInput) throws -> TransformerResult {
        if mapping.isIdentity { return .unchanged }
        let mapped = mapping.map(input.event, consent: input.consent, nowMilliseconds: input.nowMilliseconds)
        return mapped.isIgnored || mapped.isConsentDenied ? .dropped : .changed(TransformedEvent(mapped.event))
    }
}
