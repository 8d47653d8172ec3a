/// The paths that a route takes.
///
/// Written as a string it is an exact path: `router.on(.POST, "/collect", handler)`.
public enum HTTPPathPattern: Sendable, Hashable, ExpressibleByStringLiteral {
    /// This path alone.
    case exact(String)

    /// This path and all below it: `/v1` takes `/v1`, `/v1/` and `/v1/stream`, not `/v12`.
    case prefix(String)

    /// An exact path.
    public init(stringLiteral path: String) {
        self = .exact(path)
    }
}

/// How the paths of routes and requests are compared.
///
/// Nothing is percent-decoded.
public struct HTTPPathMatching: Sendable, Hashable {
    /// Whether `/Collect` is `/collect`: for the letters A to Z.
    public var ignoresCase: Bool

    /// Whether `/collect/` is `/collect`.
    public var ignoresTrailingSlash: Bool

    /// Creates a way to compare paths.
    public init(ignoresCase: Bool, ignoresTrailingSlash: Bool) {
        self.ignoresCase = ignoresCase
        self.ignoresTrailingSlash = ignoresTrailingSlash
    }

    /// Byte by byte.
    public static let exact = HTTPPathMatching(ignoresCase: false, ignoresTrailingSlash: false)

    /// As the express framework does by default: without regard to case and one slash at the end.
    public static let express = HTTPPathMatching(ignoresCase: true, ignoresTrailingSlash: true)
}

/// A pattern with its way to compare, made for being compared often.
struct HTTPPathMatcher: Sendable {
    private let pattern: [UInt8]
    private let isPrefix: Bool
    private let matching: HTTPPathMatching

    init(_ pattern: HTTPPathPattern, _ matching: HTTPPathMatching) {
        let path: String
        switch pattern {
        case .exact(let text):
            path = text
            self.isPrefix = false
        case .prefix(let text):
            path = text
            self.isPrefix = true
        }
        var bytes = Array(path.utf8)
        if (self.isPrefix || matching.ignoresTrailingSlash), bytes.last == UInt8(ascii: "/") { bytes.removeLast() }
        self.pattern = matching.ignoresCase ? bytes.map(\.lowercasedASCII) : bytes
        self.matching = matching
    }

    func matches(_ path: Substring) -> Bool {
        var position = 0
        var rest = path.utf8[...]
        while position < self.pattern.count {
            guard let byte = rest.popFirst() else { return false }
            guard (self.matching.ignoresCase ? byte.lowercasedASCII : byte) == self.pattern[position] else {
                return false
            }
            position += 1
        }
        guard let next = rest.popFirst() else { return true }
        guard next == UInt8(ascii: "/") else { return false }
        return self.isPrefix || (self.matching.ignoresTrailingSlash && rest.isEmpty)
    }
}
