import NIOHPACK
import NIOHTTP1

extension HTTPRequestHead {
    /// The head as HTTP/1 would have written it: `:authority` as `Host`, `cookie` fields in one.
    ///
    /// NIO has already refused what is no request at all: wrong pseudo-fields, capitals in names, fields that belong to
    /// a connection, line ends in values. Here are the rules it leaves to the server.
    init(_ fields: HPACKHeaders) throws(HTTPRefusal) {
        var method = ""
        var target = ""
        var authority: String?
        var cookies = ""
        var headers = HTTPHeaders()
        headers.reserveCapacity(fields.count)
        for (name, value, _) in fields {
            guard !value.utf8.contains(where: \.isControlCharacter) else { throw .malformed }
            switch name {
            case ":method":
                method = value
            case ":path":
                target = value
            case ":scheme":
                guard value == "https" || value == "http" else { throw .malformed }
            case ":authority":
                authority = value
                headers.add(name: "host", value: value)
            case "host":
                // Two names for the server: one in front of this may have believed the other.
                guard authority == nil || authority?.lowercased() == value.lowercased() else { throw .malformed }
                if authority == nil { headers.add(name: name, value: value) }
            case "cookie":
                cookies += cookies.isEmpty ? value : "; \(value)"
            default:
                guard name.isFieldName else { throw .malformed }
                headers.add(name: name, value: value)
            }
        }
        if !cookies.isEmpty { headers.add(name: "cookie", value: cookies) }
        let knownMethod = HTTPMethod(rawValue: method)
        if case .RAW = knownMethod { throw .malformed }
        // A tunnel is nothing that this server offers.
        guard knownMethod != .CONNECT else { throw .malformed }
        guard target.utf8.first == UInt8(ascii: "/") || (target == "*" && knownMethod == .OPTIONS),
            target.utf8.allSatisfy({ $0 > 0x20 && $0 != 0x7F })
        else { throw .malformed }
        self.init(version: .http2, method: knownMethod, uri: target, headers: headers)
    }
}
