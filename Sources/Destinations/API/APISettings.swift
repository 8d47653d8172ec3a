import Collector
import EventJSON
import InternetAddresses

/// The settings of an api destination, checked and compiled.
struct APISettings: Sendable {
    /// What is sent of an event.
    enum Body: Sendable {
        /// What the mapping made of it; the event if it made nothing.
        case data
        /// The event.
        case event
        /// A text of one's own.
        case template(APITemplate)
    }

    /// How gathered events are sent together.
    enum BatchBody: Sendable, Equatable {
        /// As an array.
        case array
        /// Each as a line of its own.
        case lines
        /// As an array in a member of an object.
        case member(String)
    }

    var url: APIURL
    var method = "POST"
    var headers: [APIHeader] = []
    var timeoutMilliseconds = 5000
    var body = Body.data
    var batchBody = BatchBody.array
    var sendsIdempotencyKey = true
    /// Nil for http.
    var tls: APITLS?
    var guarding = AddressGuard(network: .any, allowsMetadata: false)
    var maximumConnectionCount = 8
    /// Requests that may be under way at once.
    var concurrency = 1

    /// Whether the method sends a body.
    var sendsBody: Bool { !["GET", "HEAD"].contains(method) }

    static let timeouts = 1...600_000
    static let counts = 1...256

    private static let names = [
        "url", "method", "headers", "timeout", "body", "bodyTemplate", "batchBody", "idempotencyKey", "tls", "network",
        "dangerouslyAllowMetadata", "maxConnections", "concurrency",
    ]

    /// Reads settings; nil if there is no usable URL. What is wrong is added to the problems.
    init?(_ settings: JSONValue, path: [String], problems: inout ConfigurationProblems) {
        var reader = SettingsReader(settings, path: path, known: Self.names, of: "an api destination", &problems)
        let text = reader.members["url"].string ?? ""
        let url = reader.checking("url") { () throws(APITemplate.Problem) in try APIURL(text) }
        var tls: APITLS?
        if url?.isSecure == true { tls = APITLS() }
        if !reader.members["tls"].isMissing {
            tls = reader.tls()
            if url?.isSecure == false {
                reader.problems.add(path + ["tls"], "\"tls\" is for an https URL: change \"url\", or leave it out")
            }
        }
        let method = reader.method()
        let headers = reader.headers()
        let body = reader.body()
        let batchBody = reader.batchBody()
        let timeout = reader.whole("timeout", Self.timeouts)
        let connections = reader.whole("maxConnections", Self.counts)
        let concurrency = reader.whole("concurrency", Self.counts)
        let sendsIdempotencyKey = reader.truth("idempotencyKey")
        let network = reader.choice("network", AddressGuard.Network.self) ?? .any
        let allowsMetadata = reader.truth("dangerouslyAllowMetadata") ?? false
        let guarding = AddressGuard(network: network, allowsMetadata: allowsMetadata)
        if let refusal = url?.address.flatMap(guarding.refusal) { reader.problems.add(path + ["url"], refusal) }
        problems = reader.problems
        guard let url else { return nil }
        self.url = url
        self.tls = tls
        self.guarding = guarding
        self.method = method ?? self.method
        self.headers = headers
        self.body = body ?? self.body
        self.batchBody = batchBody ?? self.batchBody
        timeoutMilliseconds = timeout ?? timeoutMilliseconds
        maximumConnectionCount = connections ?? maximumConnectionCount
        self.concurrency = concurrency ?? self.concurrency
        self.sendsIdempotencyKey = sendsIdempotencyKey ?? self.sendsIdempotencyKey
    }
}

extension SettingsReader {
    private enum BodyName: String, CaseIterable {
        case data, event
    }

    /// Compiles something, and notes what is wrong with it.
    fileprivate mutating func checking<Value>(
        _ name: String,
        _ make: () throws(APITemplate.Problem) -> Value
    ) -> Value? {
        do throws(APITemplate.Problem) {
            return try make()
        } catch {
            problems.add(path + [name], error.description)
            return nil
        }
    }

    fileprivate mutating func truth(_ name: String) -> Bool? {
        let value = members[name]
        if value.isMissing { return nil }
        if let bool = value.bool { return bool }
        problems.add(path + [name], "is true or false")
        return nil
    }

    fileprivate mutating func method() -> String? {
        guard let method = string("method")?.uppercased() else { return nil }
        if method.utf8.allSatisfy({ $0 >= UInt8(ascii: "A") && $0 <= UInt8(ascii: "Z") }),
            !["CONNECT", "TRACE"].contains(method)
        {
            return method
        }
        problems.add(path + ["method"], "is a method such as POST, PUT, PATCH or GET")
        return nil
    }

    fileprivate mutating func headers() -> [APIHeader] {
        let value = members["headers"]
        if !value.isMissing, value.object == nil { problems.add(path + ["headers"], "is an object: name → text") }
        var headers: [APIHeader] = []
        for member in value.object ?? [:] {
            let place = path + ["headers", member.name]
            guard let text = member.value.string else {
                problems.add(place, "a header field is text")
                continue
            }
            if headers.contains(where: { $0.isNamed(member.name) }) {
                problems.add(place, "stands here twice; case makes no difference")
            }
            do throws(APITemplate.Problem) {
                headers.append(try APIHeader(member.name, text))
            } catch {
                problems.add(place, error.description)
            }
        }
        return headers
    }

    fileprivate mutating func body() -> APISettings.Body? {
        let name = choice("body", BodyName.self)
        guard let text = string("bodyTemplate") else {
            return name.map { $0 == .event ? .event : .data }
        }
        if !members["body"].isMissing {
            problems.add(path + ["bodyTemplate"], "stands beside \"body\": leave one of them out")
        }
        return checking("bodyTemplate") { () throws(APITemplate.Problem) in .template(try APITemplate(text, .json)) }
    }

    fileprivate mutating func batchBody() -> APISettings.BatchBody? {
        let value = members["batchBody"]
        switch value {
        case .missing: return nil
        case .string("array"): return .array
        case .string("ndjson"): return .lines
        case .object(let object):
            if object.count == 1, let name = object["member"].string, !name.isEmpty { return .member(name) }
        default: break
        }
        problems.add(path + ["batchBody"], "is \"array\", \"ndjson\" or {\"member\": \"events\"}")
        return nil
    }

    fileprivate mutating func tls() -> APITLS {
        let known = ["ca", "cert", "key", "servername"]
        let place = path + ["tls"]
        guard members["tls"].object != nil else {
            problems.add(place, "is an object with ca, cert, key, servername")
            return APITLS()
        }
        var reader = SettingsReader(members["tls"], path: place, known: known, of: "tls", &problems)
        let tls = reader.readTLS()
        problems = reader.problems
        return tls
    }

    /// Reads the members of "tls", of which this is the reader.
    private mutating func readTLS() -> APITLS {
        let place = path
        var tls = APITLS()
        tls.authorities = pem("ca")
        tls.certificate = pem("cert")
        tls.key = pem("key")
        if let name = string("servername")?.lowercased() {
            tls.serverName = name
            _ = checking("servername") { () throws(APITemplate.Problem) in try APIURL.checkName(name) }
            if IPAddress(name) != nil { problems.add(place + ["servername"], "is a name, not an address") }
        }
        if tls.key != nil, tls.certificate == nil {
            problems.add(place + ["key"], "stands without \"cert\": set both")
        }
        // What stands in files is looked at when the destination starts: it may not be on the machine that checks.
        if [tls.authorities, tls.certificate, tls.key].allSatisfy({ $0?.isText ?? true }) {
            do throws(APITLS.Failure) {
                _ = try tls.configuration()
            } catch {
                problems.add(place, error.description)
            }
        }
        return tls
    }

    private mutating func pem(_ name: String) -> APITLS.PEM? {
        guard let text = string(name) else { return nil }
        if let pem = APITLS.PEM(text) { return pem }
        // Not repeated: it may be a damaged key.
        problems.add(path + [name], "is PEM, beginning with -----BEGIN, or the absolute path of a file with it")
        return nil
    }
}
