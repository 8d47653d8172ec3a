import AsyncHTTPClient
import NIOCore
import NIOHTTP1

/// Asks a running daemon through its admin door.
struct AdminClient {
    let address: AdminAddress

    /// Sends a request without a body; returns the status and the answer's text.
    func send(_ method: HTTPMethod, _ path: String) async throws -> (status: Int, text: String) {
        var request = HTTPClientRequest(url: url(path))
        request.method = method
        // For a unix socket the client would send none.
        request.headers.add(name: "Host", value: "localhost")
        var configuration = HTTPClient.Configuration.singletonConfiguration
        // Nobody there is an answer.
        configuration.connectionPool.retryConnectionEstablishment = false
        let client = HTTPClient(configuration: configuration)
        let answer: (Int, String)?
        do {
            let response = try await client.execute(request, timeout: .seconds(60))
            answer = (Int(response.status.code), String(buffer: try await response.body.collect(upTo: 16 << 20)))
        } catch {
            answer = nil
        }
        try await client.shutdown()
        if let answer { return answer }
        throw CommandError("\(address): no daemon answers there: start it with --admin \(address)")
    }

    private func url(_ path: String) -> String {
        switch address {
        case .port: return "http://\(address)\(path)"
        case .socket(let file):
            // The file's path stands in the place of the host: all but letters and digits is escaped.
            let host = file.utf8.map { byte -> String in
                let character = Character(UnicodeScalar(byte))
                if byte < 0x80, character.isLetter || character.isNumber { return String(character) }
                let digits = String(byte, radix: 16, uppercase: true)
                return "%" + (digits.count == 1 ? "0" : "") + digits
            }.joined()
            return "http+unix://\(host)\(path)"
        }
    }
}
