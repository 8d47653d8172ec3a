import Dispatch
import InternetAddresses

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// Finds the addresses of a name.
struct HostResolver: Sendable {
    /// Why a name has no address.
    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    /// All addresses of the name, those to be tried first in front.
    let addresses: @Sendable (_ host: String) async throws -> [IPAddress]

    /// The operating system's resolver, on threads of its own.
    static func system(_ calls: BlockingCalls) -> HostResolver {
        HostResolver { host in try await calls.run { try lookUp(host) } }
    }

    private static func lookUp(_ host: String) throws -> [IPAddress] {
        var hints = addrinfo()
        #if canImport(Glibc)
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        #else
        hints.ai_socktype = SOCK_STREAM
        #endif
        var list: UnsafeMutablePointer<addrinfo>?
        let code = getaddrinfo(host, nil, &hints, &list)
        guard code == 0 else {
            throw Failure(description: "the host has no address: \(String(cString: gai_strerror(code)))")
        }
        defer { freeaddrinfo(list) }
        var found: [IPAddress] = []
        var entry = list
        while let current = entry {
            if let address = current.pointee.ai_addr.flatMap({ IPAddress($0) }), !found.contains(address) {
                found.append(address)
            }
            entry = current.pointee.ai_next
        }
        return found
    }
}

/// Runs what blocks on threads of its own. Who waits for it may give up; the call then ends unheard.
struct BlockingCalls: Sendable {
    private let queue: DispatchQueue

    init(label: String) {
        queue = DispatchQueue(label: label, attributes: .concurrent)
    }

    /// The closure's value.
    ///
    /// - Throws: what the closure throws; `CancellationError` when the task is cancelled first.
    func run<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws -> Value {
        let (stream, continuation) = AsyncThrowingStream<Value, any Error>.makeStream()
        queue.async {
            do {
                continuation.yield(try body())
                continuation.finish()
            } catch {
                continuation.finish(throwing: error)
            }
        }
        for try await value in stream { return value }
        throw CancellationError()
    }
}
