import Foundation
import Glibc

/// One blocking connection to a port on this machine that sends and receives bytes exactly as a test wants them.
///
/// It blocks: use it inside `BlockingWork.run`.
///
/// ```swift
/// let connection = try RawConnection(port: daemon.port)
/// connection.send("GET /health HTTP/1.1\r\nHost: h\r\n\r\n")
/// let answer = try connection.answer()   // nil once the server has closed
/// ```
public final class RawConnection {
    private let descriptor: Int32
    private var received: [UInt8] = []

    /// Connects; a read that takes longer than `timeoutSeconds` fails. A small receive buffer makes a slow reader.
    public init(port: Int, timeoutSeconds: Int = 60, receiveBufferByteCount: Int32? = nil) throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw HTTPExchange.Failure(description: "socket: \(errno)") }
        if var count = receiveBufferByteCount {
            setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &count, socklen_t(MemoryLayout<Int32>.size))
        }
        var limit = timeval(tv_sec: timeoutSeconds, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        var isOn: Int32 = 1
        setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &isOn, socklen_t(MemoryLayout<Int32>.size))
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(port).bigEndian
        address.sin_addr.s_addr = in_addr_t(0x7F00_0001).bigEndian
        let isConnected = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
        guard isConnected else {
            let number = errno
            close(descriptor)
            throw HTTPExchange.Failure(description: "connect: \(number)")
        }
    }

    deinit {
        close(descriptor)
    }

    /// Sends bytes; false once the server does not take them any more.
    @discardableResult
    public func send(_ bytes: some Collection<UInt8>) -> Bool {
        let bytes = Array(bytes)
        var sent = 0
        while sent < bytes.count {
            let count = bytes[sent...].withUnsafeBytes {
                Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { return false }
            sent += count
        }
        return true
    }

    /// Sends text; false once the server does not take it any more.
    @discardableResult
    public func send(_ text: String) -> Bool { send(text.utf8) }

    /// Closes the sending side.
    public func closeOutput() {
        shutdown(descriptor, Int32(SHUT_WR))
    }

    /// Lets the connection end with a reset once it goes, as that of a client that is gone.
    public func reset() {
        var linger = linger(l_onoff: 1, l_linger: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &linger, socklen_t(MemoryLayout.size(ofValue: linger)))
    }

    /// Everything until the server closes.
    ///
    /// - Throws: ``HTTPExchange/Failure`` if it does not close in time.
    public func receiveAll() throws -> [UInt8] {
        while try fill() {}
        defer { received = [] }
        return received
    }

    /// The next answer, interim ones left out; nil if the server has closed before one was whole.
    ///
    /// - Throws: ``HTTPExchange/Failure`` if nothing comes in time, or something that is no answer.
    public func answer() throws -> HTTPAnswer? {
        while true {
            if let answer = try takeAnswer() {
                if answer.status >= 200 { return answer }
            } else if try !fill() {
                return nil
            }
        }
    }

    /// Reads what there is; false at the end. A reset is an end as well.
    private func fill() throws -> Bool {
        let count = withUnsafeTemporaryAllocation(byteCount: 1 << 16, alignment: 1) { bytes in
            let count = recv(descriptor, bytes.baseAddress, bytes.count, 0)
            if count > 0 { received.append(contentsOf: bytes[..<count]) }
            return count
        }
        if count < 0, errno == EAGAIN {
            throw HTTPExchange.Failure(description: "the server neither answers nor closes")
        }
        return count > 0
    }

    private func takeAnswer() throws -> HTTPAnswer? {
        guard let end = received.firstRange(of: Array("\r\n\r\n".utf8)) else { return nil }
        guard received.starts(with: "HTTP/1.1 ".utf8) else {
            throw HTTPExchange.Failure(description: "no answer: \(String(decoding: received, as: UTF8.self))")
        }
        let lines = String(decoding: received[..<end.lowerBound], as: UTF8.self).split(separator: "\r\n")
        let status = lines.first.flatMap { Int($0.dropFirst(9).prefix(3)) } ?? 0
        var headers: [String: String] = [:]
        for line in lines.dropFirst() {
            guard let colon = line.firstIndex(of: ":") else { continue }
            headers[line[..<colon].lowercased()] = String(line[line.index(after: colon)...].drop { $0 == " " })
        }
        let length = headers["content-length"].flatMap(Int.init) ?? 0
        guard received.count >= end.upperBound + length else { return nil }
        let body = Array(received[end.upperBound..<end.upperBound + length])
        received.removeSubrange(..<(end.upperBound + length))
        return HTTPAnswer(status: status, headers: headers, body: body)
    }
}
