/// The frame around compressed text.
public enum CompressionFormat: Sendable {
    /// A gzip file ([RFC 1952](https://www.rfc-editor.org/rfc/rfc1952)), whose members may follow one another.
    case gzip
    /// zlib's frame ([RFC 1950](https://www.rfc-editor.org/rfc/rfc1950)), which HTTP calls `deflate`.
    case zlib

    /// The format as zlib's `inflateInit2` and `deflateInit2` want it: the window's size, and 16 more for gzip.
    var windowBits: Int32 {
        switch self {
        case .gzip: 15 + 16
        case .zlib: 15
        }
    }
}

/// Why compression could not begin.
public struct CompressionError: Error, CustomStringConvertible {
    /// What the library answered.
    public let description: String

    init(_ code: Int32) {
        description = "zlib answers \(code)"
    }

    /// There is no memory.
    static let noMemory = CompressionError("no memory for a decompressor")

    private init(_ description: String) {
        self.description = description
    }
}
