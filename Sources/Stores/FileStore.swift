public import Collector
import Crypto
import Dispatch
public import EventJSON

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// Keeps each value as a JSON file in one folder, so that it is there after a restart.
///
/// No key leads out of the folder: bytes other than letters, digits, `-` and `_` are written as `%` and two digits, and
/// long keys as their hash. A file is replaced whole or not at all. A value is at most 1 MiB; what has expired is
/// deleted when it is asked for. Files are read and written on a thread of the store's own.
public final class FileStore: Store {
    /// Why a value could not be read or written.
    public struct Failure: Error, CustomStringConvertible {
        /// What failed, and the system's words for it; never a value.
        public let description: String

        init(_ action: String, number: Int32? = nil) {
            description = number.map { "\(action): \(String(cString: strerror($0)))" } ?? action
        }
    }

    /// "fs".
    public var type: String { "fs" }
    private let folder: String
    private let nowMilliseconds: @Sendable () -> Int
    private let queue = DispatchQueue(label: "collectord.store.fs")

    private static let maximumByteCount = 1 << 20
    private static let maximumNameLength = 180
    private static let valueName = "value"
    private static let expiryName = "expires"

    /// A store in that folder, which is created when the collector starts.
    public init(
        folder: String,
        nowMilliseconds: @escaping @Sendable () -> Int = CollectorTime.system.nowMilliseconds
    ) {
        self.folder = folder
        self.nowMilliseconds = nowMilliseconds
    }

    /// Creates the folder and those it lies in.
    ///
    /// - Throws: `Failure` if that cannot be done.
    public func initialize() async throws {
        try await onQueue {
            let whole = self.folder + "/"
            for (index, character) in zip(whole.indices, whole) where character == "/" && index > whole.startIndex {
                guard mkdir(String(whole[..<index]), 0o750) == 0 || errno == EEXIST else {
                    throw Failure("create folder \(self.folder)", number: errno)
                }
            }
        }
    }

    /// The value under a key; missing if there is none.
    public func value(forKey key: String) async throws -> JSONValue {
        let path = path(ofKey: key)
        return try await onQueue {
            guard let text = try Self.read(path) else { return .missing }
            guard let envelope = try? JSONValue(jsonText: text) else { throw Failure("\(path): not JSON") }
            if let expiry = envelope[Self.expiryName].number?.integer, expiry <= self.nowMilliseconds() {
                _ = unlink(path)
                return .missing
            }
            return envelope[Self.valueName]
        }
    }

    /// Keeps a value under a key.
    public func set(_ value: JSONValue, forKey key: String, lifetimeMilliseconds: Int?) async throws {
        var envelope: JSONObject = [:]
        envelope[Self.valueName] = value
        if let lifetimeMilliseconds {
            envelope[Self.expiryName] = .number(JSONNumber(nowMilliseconds() + lifetimeMilliseconds))
        }
        let text = JSONValue.object(envelope).jsonText
        guard text.count <= Self.maximumByteCount else {
            throw Failure("a value is larger than \(Self.maximumByteCount) bytes")
        }
        let path = path(ofKey: key)
        try await onQueue { try Self.replace(path, by: text) }
    }

    /// Forgets a key.
    public func remove(_ key: String) async throws {
        let path = path(ofKey: key)
        try await onQueue {
            guard unlink(path) == 0 || errno == ENOENT else { throw Failure("remove", number: errno) }
        }
    }

    private func path(ofKey key: String) -> String {
        var name = ""
        for byte in key.utf8 {
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "z"),
                UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "-"), UInt8(ascii: "_"):
                name.unicodeScalars.append(Unicode.Scalar(byte))
            default: name += "%" + Self.digits(byte)
            }
        }
        if name.utf8.count > Self.maximumNameLength {
            // No written name has "%" and "h" in front.
            name = "%h" + SHA256.hash(data: Array(key.utf8)).map(Self.digits).joined()
        }
        return "\(folder)/\(name).json"
    }

    private static func digits(_ byte: UInt8) -> String {
        (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
    }

    private func onQueue<Value: Sendable>(_ work: @escaping @Sendable () throws -> Value) async throws -> Value {
        try await withCheckedThrowingContinuation { continuation in
            queue.async { continuation.resume(with: Result { try work() }) }
        }
    }

    // MARK: Files

    private static func read(_ path: String) throws -> [UInt8]? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            if errno == ENOENT { return nil }
            throw Failure("open \(path)", number: errno)
        }
        defer { close(descriptor) }
        var text: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 16_384)
        while true {
            let count = systemRead(descriptor, &chunk, chunk.count)
            if count == 0 { return text }
            if count < 0 {
                if errno == EINTR { continue }
                throw Failure("read \(path)", number: errno)
            }
            text += chunk[..<count]
            guard text.count <= maximumByteCount else { throw Failure("\(path): too large") }
        }
    }

    private static func replace(_ path: String, by text: [UInt8]) throws {
        // Written beside it and put in its place, so that who reads sees the old text or the new one.
        let draft = path + ".new"
        let descriptor = open(draft, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o640)
        guard descriptor >= 0 else { throw Failure("open \(draft)", number: errno) }
        var written = 0
        while written < text.count {
            let count = text[written...].withUnsafeBytes { systemWrite(descriptor, $0.baseAddress, $0.count) }
            if count > 0 {
                written += count
            } else if errno != EINTR {
                let number = errno
                close(descriptor)
                _ = unlink(draft)
                throw Failure("write \(draft)", number: number)
            }
        }
        close(descriptor)
        guard rename(draft, path) == 0 else { throw Failure("rename \(draft)", number: errno) }
    }
}

/// `read(2)` under a name of its own.
private func systemRead(_ descriptor: Int32, _ bytes: UnsafeMutableRawPointer, _ count: Int) -> Int {
    read(descriptor, bytes, count)
}

/// `write(2)` under a name of its own.
private func systemWrite(_ descriptor: Int32, _ bytes: UnsafeRawPointer?, _ count: Int) -> Int {
    write(descriptor, bytes, count)
}
