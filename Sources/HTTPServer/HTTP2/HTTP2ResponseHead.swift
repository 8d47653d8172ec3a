import NIOHPACK
import NIOHTTP1

extension HPACKHeaders {
    /// A status and a handler's fields, without those that belong to the server or to a connection.
    init(status: HTTPResponseStatus, headers: HTTPHeaders) {
        self.init()
        self.reserveCapacity(headers.count + 3)
        self.add(name: ":status", value: String(status.code))
        self.append(headers)
    }

    /// The head of an answer.
    init(_ response: HTTPResponse, contentLength: Int?, date: String) {
        if let template = response.template {
            self = template.http2Fields
            self.append(response.headers)
        } else {
            self.init(status: response.status, headers: response.headers)
        }
        if !self.contains(name: "date") { self.add(name: "date", value: date) }
        if let contentLength { self.add(name: "content-length", value: String(contentLength)) }
    }

    private mutating func append(_ headers: HTTPHeaders) {
        for (name, value) in headers {
            switch HTTPServerField(name) {
            case .contentLength, .connection, .transferEncoding: continue
            case .date, nil: break
            }
            let name = name.lowercased()
            guard name.isFieldName, !["keep-alive", "proxy-connection", "upgrade"].contains(name) else { continue }
            self.add(name: name, value: value.withoutControlCharacters)
        }
    }

    /// The bytes of the names and values.
    var byteCount: Int {
        self.reduce(0) { $0 + $1.name.utf8.count + $1.value.utf8.count }
    }
}

extension String {
    /// The text with a space for every control character.
    fileprivate var withoutControlCharacters: String {
        guard self.utf8.contains(where: \.isControlCharacter) else { return self }
        return String(decoding: self.utf8.map { $0.isControlCharacter ? UInt8(ascii: " ") : $0 }, as: UTF8.self)
    }
}
