import NIOCore
import NIOHTTP1
import Testing

@testable import HTTPServer

@Suite struct ResponseSerializationTests {
    private let date = ByteBuffer(string: "Date: now\r\n")

    private func head(
        _ response: HTTPResponse,
        framing: HTTPResponseFraming = .length(0),
        connection: HTTPConnectionField = .none
    ) -> String {
        var buffer = ByteBuffer(string: "before|")
        buffer.writeHead(response, framing: framing, connection: connection, date: self.date)
        return String(String(buffer: buffer).dropFirst("before|".count))
    }

    @Test("status line, fields, date, connection, framing")
    func order() {
        let response = HTTPResponse(status: .created, headers: ["X-A": "1", "X-B": "2"])
        #expect(
            self.head(response, framing: .length(1_234_567_890), connection: .close)
                == "HTTP/1.1 201 Created\r\nX-A: 1\r\nX-B: 2\r\nDate: now\r\n"
                + "Connection: close\r\nContent-Length: 1234567890\r\n\r\n"
        )
        #expect(
            self.head(
                HTTPResponse(status: .custom(code: 299, reasonPhrase: "Own")),
                framing: .chunked,
                connection: .keepAlive
            )
                == "HTTP/1.1 299 Own\r\nDate: now\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n"
        )
        #expect(self.head(HTTPResponse(status: .ok), framing: .none) == "HTTP/1.1 200 OK\r\nDate: now\r\n\r\n")
    }

    @Test("a handler's Date is kept, its framing is not, in whatever case")
    func serverFields() {
        let response = HTTPResponse(
            status: .ok,
            headers: ["DATE": "then", "content-LENGTH": "9", "Transfer-encoding": "chunked", "connection": "close"]
        )
        #expect(self.head(response) == "HTTP/1.1 200 OK\r\nDATE: then\r\nContent-Length: 0\r\n\r\n")
        #expect(response.declaredContentLength == 9)
    }

    @Test("a value cannot leave its line, a bad name does not go out")
    func responseSplitting() {
        let response = HTTPResponse(
            status: .custom(code: 200, reasonPhrase: "a\r\nb"),
            headers: ["X-A": "1\r\nX-Evil: 2\u{0}\u{7F}\tü", "X-\r\nB": "3", "": "4", "X B": "5", "X:": "6"]
        )
        #expect(
            self.head(response)
                == "HTTP/1.1 200 a  b\r\nX-A: 1  X-Evil: 2  \tü\r\nDate: now\r\nContent-Length: 0\r\n\r\n"
        )
    }

    @Test("numbers", arguments: [0, 7, 9, 10, 99, 100, 65_535, Int.max])
    func numbers(number: Int) {
        var buffer = ByteBuffer()
        buffer.writeNumber(number, radix: 10)
        buffer.writeStaticString(" ")
        buffer.writeNumber(number, radix: 16)
        #expect(String(buffer: buffer) == "\(number) \(String(number, radix: 16))")
    }

    @Test("text in JSON")
    func json() {
        var buffer = ByteBuffer()
        buffer.writeJSONString("a\"b\\c\n\u{1}\u{1F}ü\u{7F}")
        #expect(String(buffer: buffer) == #""a\"b\\c\u000a\u0001\u001fü"# + "\u{7F}\"")
    }

    @Test(
        "dates",
        arguments: [
            (0, "Thu, 01 Jan 1970 00:00:00 GMT"), (784_111_777, "Sun, 06 Nov 1994 08:49:37 GMT"),
            (951_782_399, "Mon, 28 Feb 2000 23:59:59 GMT"), (951_782_400, "Tue, 29 Feb 2000 00:00:00 GMT"),
            (1_709_164_800, "Thu, 29 Feb 2024 00:00:00 GMT"), (1_735_689_599, "Tue, 31 Dec 2024 23:59:59 GMT"),
            (4_102_444_800, "Fri, 01 Jan 2100 00:00:00 GMT"), (4_107_542_400, "Mon, 01 Mar 2100 00:00:00 GMT"),
            (-1, "Thu, 01 Jan 1970 00:00:00 GMT"),
        ]
    )
    func dates(seconds: Int, text: String) {
        #expect(String(buffer: HTTPDate(secondsSinceEpoch: seconds).headerLine) == "Date: \(text)\r\n")
    }
}
