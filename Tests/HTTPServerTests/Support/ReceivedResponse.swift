import NIOCore

/// A response as a client reads it.
///
/// The parser is the tests' own, so that the server is not measured with itself.
struct ReceivedResponse: Equatable {
    var status: Int
    var fields: [(name: String, value: String)]
    var body: String

    subscript(_ name: String) -> String? {
        self.fields.first { $0.name.lowercased() == name.lowercased() }?.value
    }

    static func == (left: ReceivedResponse, right: ReceivedResponse) -> Bool {
        left.status == right.status && left.body == right.body
            && left.fields.map(\.name) == right.fields.map(\.name)
            && left.fields.map(\.value) == right.fields.map(\.value)
    }

    /// The responses in `bytes`, and what is left behind the last whole one.
    ///
    /// - Parameters:
    ///   - methods: The methods of the requests, for answers to HEAD. Missing ones are GET.
    ///   - isClosed: Whether the connection was closed, which ends a body without a length.
    static func parse(
        _ bytes: [UInt8],
        methods: [String] = [],
        isClosed: Bool = false
    ) -> (responses: [ReceivedResponse], rest: [UInt8]) {
        var responses: [ReceivedResponse] = []
        var rest = bytes[...]
        var methods = methods[...]
        while let end = rest.firstIndex(of: Array("\r\n\r\n".utf8)) {
            let lines = String(decoding: rest[..<end], as: UTF8.self).split(separator: "\r\n")
            guard let statusLine = lines.first, let status = Int(statusLine.split(separator: " ")[1]) else { break }
            var response = ReceivedResponse(status: status, fields: [], body: "")
            for line in lines.dropFirst() {
                let parts = line.split(separator: ":", maxSplits: 1)
                response.fields.append((String(parts[0]), parts.count > 1 ? parts[1].trimmed : ""))
            }
            var body = rest[(end + 4)...]
            let isInterim = status < 200
            let method = isInterim ? "" : methods.popFirst() ?? "GET"
            if isInterim || status == 204 || status == 304 || method == "HEAD" {
                // No body.
            } else if response["Transfer-Encoding"] == "chunked" {
                guard let (text, behind) = Self.dechunk(body) else { break }
                response.body = text
                body = behind
            } else if let length = response["Content-Length"].flatMap(Int.init) {
                guard body.count >= length else { break }
                response.body = String(decoding: body.prefix(length), as: UTF8.self)
                body = body.dropFirst(length)
            } else {
                guard isClosed else { break }
                response.body = String(decoding: body, as: UTF8.self)
                body = []
            }
            responses.append(response)
            rest = body
        }
        return (responses, Array(rest))
    }

    private static func dechunk(_ bytes: ArraySlice<UInt8>) -> (String, ArraySlice<UInt8>)? {
        var rest = bytes
        var body: [UInt8] = []
        while let lineEnd = rest.firstIndex(of: Array("\r\n".utf8)) {
            guard let length = Int(String(decoding: rest[..<lineEnd], as: UTF8.self), radix: 16) else { return nil }
            let data = rest[(lineEnd + 2)...]
            guard data.count >= length + 2 else { return nil }
            body += data.prefix(length)
            rest = data.dropFirst(length + 2)
            if length == 0 { return (String(decoding: body, as: UTF8.self), rest) }
        }
        return nil
    }
}

extension ArraySlice<UInt8> {
    fileprivate func firstIndex(of pattern: [UInt8]) -> Int? {
        guard self.count >= pattern.count else { return nil }
        return (self.startIndex...(self.endIndex - pattern.count)).first {
            self[$0..<($0 + pattern.count)].elementsEqual(pattern)
        }
    }
}

extension Substring {
    fileprivate var trimmed: String {
        String(self.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
    }
}
