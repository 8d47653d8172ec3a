/// Requests as they go over the wire.
enum HTTPRequestText {
    static func post(_ path: String, _ body: [UInt8]) -> [UInt8] {
        postHead(path, bodyByteCount: body.count) + body
    }

    static func postHead(_ path: String, bodyByteCount: Int) -> [UInt8] {
        Array(
            ("POST \(path) HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                + "Content-Length: \(bodyByteCount)\r\n\r\n").utf8
        )
    }
}
