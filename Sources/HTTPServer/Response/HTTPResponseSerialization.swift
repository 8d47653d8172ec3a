import NIOCore
import NIOHTTP1

/// How the end of a response is told to the client.
enum HTTPResponseFraming: Equatable {
    /// The response has no body and no length.
    case none
    /// The response says its length.
    case length(Int)
    /// The body comes in chunks.
    case chunked
    /// The body ends with the connection: for HTTP/1.0 clients.
    case untilClose
}

/// What the server needs to know of the fields a handler gave.
struct HTTPFieldSummary: Sendable {
    var declaredContentLength: Int?
    var hasDate = false
}

/// The value of the `Connection` field to write.
enum HTTPConnectionField {
    case none
    case close
    case keepAlive
}

extension ByteBuffer {
    /// Writes the head of `response`, empty line included.
    ///
    /// `date` is a whole `Date` line.
    mutating func writeHead(
        _ response: HTTPResponse,
        framing: HTTPResponseFraming,
        connection: HTTPConnectionField,
        date: ByteBuffer
    ) {
        var hasDate = false
        if let template = response.template {
            self.writeImmutableBuffer(template.bytes)
            hasDate = template.fields.hasDate
        } else {
            self.writeStatusLine(response.status)
        }
        if !response.headers.isEmpty {
            hasDate = self.writeFields(response.headers).hasDate || hasDate
        }
        if !hasDate { self.writeImmutableBuffer(date) }
        switch connection {
        case .none: break
        case .close: self.writeStaticString("Connection: close\r\n")
        case .keepAlive: self.writeStaticString("Connection: keep-alive\r\n")
        }
        switch framing {
        case .none, .untilClose:
            break
        case .length(let length):
            self.writeStaticString("Content-Length: ")
            self.writeNumber(length, radix: 10)
            self.writeStaticString("\r\n")
        case .chunked:
            self.writeStaticString("Transfer-Encoding: chunked\r\n")
        }
        self.writeStaticString("\r\n")
    }

    mutating func writeStatusLine(_ status: HTTPResponseStatus) {
        self.writeStaticString("HTTP/1.1 ")
        self.writeNumber(Int(status.code), radix: 10)
        self.writeStaticString(" ")
        self.writeFieldValue(status.reasonPhrase)
        self.writeStaticString("\r\n")
    }

    /// Writes a handler's fields, without those that belong to the server.
    mutating func writeFields(_ headers: HTTPHeaders) -> HTTPFieldSummary {
        var summary = HTTPFieldSummary()
        for (name, value) in headers {
            switch HTTPServerField(name) {
            case .contentLength:
                if let length = Int(value), length >= 0 { summary.declaredContentLength = length }
                continue
            case .connection, .transferEncoding:
                continue
            case .date:
                summary.hasDate = true
            case nil:
                guard name.isFieldName else { continue }
            }
            self.writeString(name)
            self.writeStaticString(": ")
            self.writeFieldValue(value)
            self.writeStaticString("\r\n")
        }
        return summary
    }

    /// Writes text with a space for every control character, so that it stays on its line.
    private mutating func writeFieldValue(_ text: String) {
        let start = self.readableBytes
        self.writeString(text)
        self.withUnsafeMutableReadableBytes { bytes in
            for index in start..<bytes.count where bytes[index].isControlCharacter {
                bytes[index] = UInt8(ascii: " ")
            }
        }
    }

    /// Writes a number that is not negative, without making a string of it.
    mutating func writeNumber(_ number: Int, radix: Int) {
        var rest = number
        var digitCount = 1
        while rest >= radix {
            rest /= radix
            digitCount += 1
        }
        self.writeWithUnsafeMutableBytes(minimumWritableBytes: digitCount) { bytes in
            var rest = number
            for index in stride(from: digitCount - 1, through: 0, by: -1) {
                let digit = UInt8(truncatingIfNeeded: rest % radix)
                bytes[index] = digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10
                rest /= radix
            }
            return digitCount
        }
    }

    /// Writes the text as a JSON string, quotes included.
    mutating func writeJSONString(_ text: String) {
        self.writeInteger(UInt8(ascii: "\""))
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"):
                self.writeInteger(UInt8(ascii: "\\"))
                self.writeInteger(byte)
            case 0..<0x20:
                self.writeStaticString(byte < 0x10 ? "\\u000" : "\\u001")
                self.writeNumber(Int(byte & 0xF), radix: 16)
            default:
                self.writeInteger(byte)
            }
        }
        self.writeInteger(UInt8(ascii: "\""))
    }
}

/// The fields of a response that the server looks after.
enum HTTPServerField {
    case contentLength
    case connection
    case transferEncoding
    case date

    init?(_ name: String) {
        switch name.utf8.count {
        case 4 where name.equalsIgnoringCase("date"): self = .date
        case 10 where name.equalsIgnoringCase("connection"): self = .connection
        case 14 where name.equalsIgnoringCase("content-length"): self = .contentLength
        case 17 where name.equalsIgnoringCase("transfer-encoding"): self = .transferEncoding
        default: return nil
        }
    }
}
