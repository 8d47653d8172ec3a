import NIOCore

/// How the parts of a streamed answer go over the wire, and whether they keep what the head declared.
enum HTTPStreamFraming: Equatable {
    case chunked
    /// The head declared a length; so many bytes are still missing.
    case length(remaining: Int)
    case untilClose
    /// The answer has no body, whatever the handler writes.
    case bodyless

    init(_ framing: HTTPResponseFraming) {
        switch framing {
        case .chunked: self = .chunked
        case .length(let length): self = .length(remaining: length)
        case .untilClose: self = .untilClose
        case .none: self = .bodyless
        }
    }

    enum WriteAction: Equatable {
        case chunk
        case plain
        case nothing
        case tooMuch
    }

    mutating func write(_ part: ByteBuffer) -> WriteAction {
        switch self {
        case .chunked: return .chunk
        case .untilClose: return .plain
        case .bodyless: return .nothing
        case .length(let remaining):
            guard part.readableBytes <= remaining else { return .tooMuch }
            self = .length(remaining: remaining - part.readableBytes)
            return .plain
        }
    }

    enum EndAction: Equatable {
        case lastChunk
        case nothing
        case tooLittle
    }

    func end() -> EndAction {
        switch self {
        case .chunked: .lastChunk
        case .untilClose, .bodyless: .nothing
        case .length(let remaining): remaining == 0 ? .nothing : .tooLittle
        }
    }
}
