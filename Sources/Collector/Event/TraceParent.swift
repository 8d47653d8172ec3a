/// The W3C `traceparent` request header ([Trace Context](https://www.w3.org/TR/trace-context/#traceparent-header)).
public struct TraceParent: Sendable, Equatable {
    /// 32 hexadecimal digits, shared by everything that one request caused.
    public let traceID: String
    /// 16 hexadecimal digits: the span that sent the request.
    public let parentID: String

    /// Reads the header's value; nil if it is malformed, of version `ff`, or has an id of zeros.
    public init?(_ text: String) {
        let parts = text.utf8.split(separator: UInt8(ascii: "-"), omittingEmptySubsequences: false)
        guard parts.count == 4, zip(parts, [2, 32, 16, 2]).allSatisfy({ Self.isHexadecimal($0, count: $1) }),
            String(Substring(parts[0])) != "ff", !Self.isZero(parts[1]), !Self.isZero(parts[2])
        else { return nil }
        traceID = String(Substring(parts[1]))
        parentID = String(Substring(parts[2]))
    }

    private static func isHexadecimal(_ part: Substring.UTF8View, count: Int) -> Bool {
        part.count == count && part.allSatisfy { 0x30...0x39 ~= $0 || 0x61...0x66 ~= $0 }
    }

    private static func isZero(_ part: Substring.UTF8View) -> Bool {
        part.allSatisfy { $0 == UInt8(ascii: "0") }
    }
}
