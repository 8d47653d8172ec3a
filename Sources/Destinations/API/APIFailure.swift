import AsyncHTTPClient
import Collector
import NIOCore
import NIOPosix
import NIOSSL

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// Why a request had no answer, in words that show neither URL, header fields nor bodies.
enum APIFailure: Error {
    /// The time for one request is over.
    case timeout(milliseconds: Int)
    /// The host has addresses to which requests must not go.
    case refusedAddress(String)
    /// The destination was not started, or was ended.
    case closed

    /// The outcome of a request that ended with an error.
    static func outcome(_ error: any Error) -> DeliveryOutcome {
        .retry(reason: reason(error))
    }

    /// Whether no connection was made, so that another address may be tried.
    static func isConnectionFailure(_ error: any Error) -> Bool {
        switch error {
        case is NIOConnectionError: true
        case let error as IOError:
            [ECONNREFUSED, EHOSTUNREACH, ENETUNREACH, ENETDOWN, EADDRNOTAVAIL, EAFNOSUPPORT, ETIMEDOUT]
                .contains(error.errnoCode)
        case ChannelError.connectTimeout: true
        case let error as HTTPClientError: error == .connectTimeout
        default: false
        }
    }

    private static func reason(_ error: any Error) -> String {
        switch error {
        case APIFailure.timeout(let milliseconds): "no complete answer from the service within \(milliseconds) ms"
        case APIFailure.refusedAddress(let reason): "not sent: \(reason)"
        case APIFailure.closed: "the destination is not open"
        case is CancellationError: "cancelled while waiting for the service"
        case let error as APITLS.Failure: "not sent: \(error)"
        case let error as HostResolver.Failure: "not sent: \(error)"
        case let error as NIOConnectionError:
            "no connection to the service: \(error.connectionErrors.first.map { words($0.error) } ?? "no address")"
        default: "no answer from the service: \(words(error))"
        }
    }

    private static func words(_ error: any Error) -> String {
        switch error {
        case let error as IOError: return String(cString: strerror(error.errnoCode))
        case let error as HTTPClientError: return error.shortDescription
        case let error as NIOSSLError: return tlsWords("\(error)")
        case let error as NIOSSLExtraError: return tlsWords("\(error)")
        // The name of a type tells nothing that was sent or received.
        default: return String(describing: type(of: error))
        }
    }

    private static func tlsWords(_ description: String) -> String {
        if description.contains("CERTIFICATE_VERIFY_FAILED") {
            return "its certificate has expired, or comes from nobody trusted: name it or its authority in tls.ca"
        }
        if description.contains("failedToValidateHostname") {
            return "its certificate is for another name: correct \"url\", or set tls.servername"
        }
        return "TLS failed: \(description.prefix(200))"
    }
}
