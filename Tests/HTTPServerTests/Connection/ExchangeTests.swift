import HTTPServer
import NIOCore
import NIOHTTP1
import Testing

/// One request and its answer, as bytes.
@Suite struct ExchangeTests {
    @Test("a small POST is answered in one write, with Date, length and body")
    func simplePost() throws {
        let connection = try EmbeddedConnection(handler: EchoHandler())
        try connection.send("POST /a?x=1 HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello")
        let text = try connection.receivedText()
        #expect(text.hasPrefix("HTTP/1.1 200 OK\r\nDate: "))
        #expect(text.hasSuffix(" GMT\r\nContent-Length: 13\r\n\r\nPOST /a hello"))
        #expect(connection.flushCount == 1)
        #expect(!connection.isClosed)
    }
}
