import Crypto
import EventJSON

extension MappingFunctions {
    /// The functions every mapping knows.
    ///
    /// | function | arguments | gives |
    /// |---|---|---|
    /// | `lowercase` `uppercase` `trim` | – | the text changed |
    /// | `sha256` `md5` | – | the hash of the text, in lower-case hexadecimal |
    /// | `hmacSha256` | `{"secret": "$secret.NAME"}` | the keyed hash of the text |
    /// | `number` | – | the number the text reads as; missing if none |
    /// | `string` | – | the text of a number or boolean |
    /// | `boolean` | – | true for true, "true", "1", "yes", "on" and numbers but 0; false for their opposites |
    /// | `round` | digits, default 0 | the number rounded half away from zero |
    /// | `join` | separator, default "," | the elements' text in one |
    /// | `split` | separator, default "," | the parts of the text |
    /// | `replace` | `{"search": …, "with": …}` | the text with every occurrence replaced |
    /// | `default` | any value | the value itself; the argument where it is missing or null |
    /// | `now` | – | milliseconds since 1970 |
    /// | `isoTime` | – | milliseconds as `2023-11-14T22:13:20.000Z` |
    /// | `urlHost` `urlPath` | – | that part of a URL |
    /// | `anonymizeIP` | – | an IPv4 address with its last number 0; "" for anything else |
    /// | `queryString` | – | an object as the query of a URL: `a=1&b%5B0%5D=x` |
    /// | `userAgent` | – | a user agent's `userAgent`, `browser`, `browserVersion`, `os`, `osVersion`, `deviceType` |
    ///
    /// All but `default` and `now` give missing for a value of the wrong kind.
    public static let standard = MappingFunctions(factories: [
        "lowercase": text { .string($0.lowercased()) },
        "uppercase": text { .string($0.uppercased()) },
        "trim": text { .string(String($0.trimmingJavaScriptWhiteSpace())) },
        "sha256": text { .string(hash(of: $0, by: SHA256()).withUnsafeBytes(hexadecimal)) },
        "md5": text { .string(hash(of: $0, by: Insecure.MD5()).withUnsafeBytes(hexadecimal)) },
        "hmacSha256": hmacSHA256,
        "number": text { text in
            let number = JSONValue.string(text).javaScriptNumber
            return number.isFinite && !text.trimmingJavaScriptWhiteSpace().isEmpty
                ? .number(JSONNumber(number)) : .missing
        },
        "string": text { .string($0) },
        "boolean": text(boolean),
        "round": round,
        "join": join,
        "split": split,
        "replace": replace,
        "default": { fallback in
            { value, _ in value.isMissing || value.isNull ? fallback : value }
        },
        "now": plain { _, context in .number(JSONNumber(context.nowMilliseconds)) },
        "isoTime": plain { value, _ in
            guard let milliseconds = value.number?.integer else { return .missing }
            return ISOTime.text(ofMilliseconds: milliseconds).map(JSONValue.string) ?? .missing
        },
        "urlHost": text { URLParts($0).flatMap(\.host).map(JSONValue.string) ?? .missing },
        "urlPath": text { URLParts($0).map { .string($0.path) } ?? .missing },
        "anonymizeIP": text { .string(AnonymizedIP.text(of: $0)) },
        "queryString": plain { value, _ in
            value.isMissing || value.isNull ? .missing : .string(QueryString.text(of: value))
        },
        "userAgent": text { .object(UserAgentText.user(of: $0)) },
    ])

    /// A function of the value alone.
    private static func plain(_ function: @escaping MappingFunction) -> Factory {
        { arguments in
            guard arguments.isMissing || arguments.isNull || arguments == true else {
                throw MappingFunctionError("takes no arguments; write the name alone")
            }
            return function
        }
    }

    /// A function of the value's text: strings, numbers and booleans have one.
    private static func text(_ function: @escaping @Sendable (String) -> JSONValue) -> Factory {
        plain { value, _ in scalarText(value).map(function) ?? .missing }
    }

    private static func scalarText(_ value: JSONValue) -> String? {
        switch value {
        case .string(let string): string
        case .number(let number): number.text
        case .bool(let bool): bool ? "true" : "false"
        case .missing, .null, .array, .object: nil
        }
    }

    private static func hash<Function: HashFunction>(of text: String, by function: Function) -> Function.Digest {
        var text = text
        var function = function
        text.withUTF8 { function.update(bufferPointer: UnsafeRawBufferPointer($0)) }
        return function.finalize()
    }

    @Sendable
    private static func hexadecimal(_ digest: UnsafeRawBufferPointer) -> String {
        String(unsafeUninitializedCapacity: 2 * digest.count) { text in
            for (position, byte) in digest.enumerated() {
                text[2 * position] = Hexadecimal.digit(byte >> 4)
                text[2 * position + 1] = Hexadecimal.digit(byte & 0xF)
            }
            return 2 * digest.count
        }
    }

    @Sendable
    private static func boolean(_ text: String) -> JSONValue {
        switch text.trimmingJavaScriptWhiteSpace().lowercased() {
        case "true", "yes", "on": return true
        case "false", "no", "off", "": return false
        case let other:
            let number = JSONValue.string(other).javaScriptNumber
            return number.isNaN ? .missing : .bool(number != 0)
        }
    }

    @Sendable
    private static func hmacSHA256(_ arguments: JSONValue) throws -> MappingFunction {
        guard let secret = arguments["secret"].string, !secret.isEmpty else {
            throw MappingFunctionError(#"needs a secret; write {"hmacSha256": {"secret": "$secret.NAME"}}"#)
        }
        let key = SymmetricKey(data: Array(secret.utf8))
        return { value, _ in
            guard let text = scalarText(value) else { return .missing }
            return .string(
                HMAC<SHA256>.authenticationCode(for: Array(text.utf8), using: key).withUnsafeBytes(hexadecimal)
            )
        }
    }

    @Sendable
    private static func round(_ arguments: JSONValue) throws -> MappingFunction {
        let digits = arguments.isMissing ? 0 : arguments.number?.integer
        guard let digits, 0...15 ~= digits else {
            throw MappingFunctionError(#"takes the number of decimals, 0 to 15, as in {"round": 2}"#)
        }
        let factor = (0..<digits).reduce(1.0) { factor, _ in factor * 10 }
        return { value, _ in
            guard let number = value.number?.double, number.isFinite else { return .missing }
            let rounded = (number * factor).rounded(.toNearestOrAwayFromZero) / factor
            return .number(JSONNumber(rounded.isFinite ? rounded : number))
        }
    }

    @Sendable
    private static func join(_ arguments: JSONValue) throws -> MappingFunction {
        let separator = try separator(arguments, example: #"{"join": "|"}"#)
        return { value, _ in
            guard let elements = value.array else { return .missing }
            return .string(elements.map { scalarText($0) ?? "" }.joined(separator: separator))
        }
    }

    @Sendable
    private static func split(_ arguments: JSONValue) throws -> MappingFunction {
        let separator = try separator(arguments, example: #"{"split": "|"}"#)
        guard !separator.isEmpty else { throw MappingFunctionError("needs a separator that is not empty") }
        return { value, _ in
            guard let text = scalarText(value) else { return .missing }
            return .array(LiteralText.split(text, separator: separator).map(JSONValue.string))
        }
    }

    private static func separator(_ arguments: JSONValue, example: String) throws -> String {
        if arguments.isMissing { return "," }
        guard let separator = arguments.string else {
            throw MappingFunctionError("takes the separator, as in \(example)")
        }
        return separator
    }

    @Sendable
    private static func replace(_ arguments: JSONValue) throws -> MappingFunction {
        guard let search = arguments["search"].string, !search.isEmpty, let replacement = arguments["with"].string
        else {
            throw MappingFunctionError(
                #"needs what to search and what to put there: {"replace": {"search": "-", "with": "_"}}"#
            )
        }
        return { value, _ in
            guard let text = scalarText(value) else { return .missing }
            return .string(LiteralText.split(text, separator: search).joined(separator: replacement))
        }
    }
}
