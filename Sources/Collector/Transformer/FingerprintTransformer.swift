import Crypto
import EventJSON

/// Writes a hash of some of an event's and its request's values, so that visits can be told apart without cookies.
///
/// The hash is a pseudonym, not anonymous: who knows the inputs can compute it. It is SHA-256 of the inputs' texts one
/// behind the other, as walkerOS has it; where all inputs are empty nothing is written, since all such events would
/// share one hash.
public struct FingerprintTransformer: ImmediateTransformer {
    /// "fingerprint".
    public var type: String { "fingerprint" }
    private let fields: [ValueMapping]
    private let output: MemberPath
    private let length: Int

    /// A transformer that hashes these fields of `{"event": …, "ingest": …}`.
    ///
    /// - Parameter length: Hexadecimal digits that are kept, 1 to 64.
    public init(fields: [ValueMapping], output: String = "user.hash", length: Int = 64) {
        self.fields = fields
        self.output = MemberPath(output)
        self.length = min(max(length, 1), 64)
    }

    /// The event with its hash.
    public func transform(_ input: TransformerInput) throws -> TransformerResult {
        let subject: JSONValue = ["event": .object(input.event.object), "ingest": input.ingest]
        var hash = SHA256()
        var isEmpty = true
        for field in fields {
            let value = try field.value(in: subject, nowMilliseconds: input.nowMilliseconds)
            if value.isMissing || value.isNull { continue }
            let text = value.javaScriptString
            if !text.isEmpty { isEmpty = false }
            hash.update(data: Array(text.utf8))
        }
        if isEmpty { return .unchanged }
        let digits = Hexadecimal.text(hash.finalize())
        var event = input.event
        output.set(.string(String(digits.prefix(length))), in: &event)
        return .changed(TransformedEvent(event))
    }
}

extension TransformerType {
    /// Hashes some values into one.
    public static let fingerprint = TransformerType(
        name: "fingerprint",
        packages: ["@walkeros/server-transformer-fingerprint"],
        summary: "Writes a SHA-256 hash of some values of the event and its request.",
        settings: [
            SettingDescription("fields", .any, isRequired: true, "Values on {event, ingest}, as in a mapping."),
            SettingDescription("output", .string, default: "user.hash", "Where in the event the hash goes."),
            SettingDescription("length", .integer(1...64), default: "64", "Digits kept."),
        ]
    ) { settings, path, problems in
        var reader = SettingsReader(
            settings,
            path: path,
            known: ["fields", "length", "output"],
            of: "a fingerprint transformer",
            &problems
        )
        let output = reader.string("output") ?? "user.hash"
        let length = reader.whole("length", 1...64) ?? 64
        let values = reader.members["fields"].array ?? []
        if values.isEmpty { reader.problems.add(path + ["fields"], "is an array of values, at least one") }
        let fields = values.enumerated().map { index, value in
            ValueMapping(value, path: path + ["fields", String(index)], problems: &reader.problems)
        }
        problems = reader.problems
        return FingerprintTransformer(fields: fields, output: output, length: length)
    }
}
