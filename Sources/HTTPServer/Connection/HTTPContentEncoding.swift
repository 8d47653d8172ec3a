/// The coding of a request's body (RFC 9110, section 8.4).
enum HTTPContentEncoding: Equatable {
    case identity
    case gzip
    case deflate
    case brotli
    case zstandard
    /// Any other: its name in lower case, cut at 64 bytes.
    case unsupported(String)

    init(_ name: String) {
        if name.isEmpty || name.equalsIgnoringCase("identity") {
            self = .identity
        } else if name.equalsIgnoringCase("gzip") || name.equalsIgnoringCase("x-gzip") {
            self = .gzip
        } else if name.equalsIgnoringCase("deflate") {
            self = .deflate
        } else if name.equalsIgnoringCase("br") {
            self = .brotli
        } else if name.equalsIgnoringCase("zstd") {
            self = .zstandard
        } else {
            self = .unsupported(String(name.lowercased().prefix(64)))
        }
    }
}
