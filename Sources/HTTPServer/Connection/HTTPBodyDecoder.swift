import Compression
public import NIOCore
public import NIOHTTP1

/// Takes the coding off a body that is streamed, piece by piece and in bounded memory.
///
/// ```swift
/// let decoder = try HTTPBodyDecoder(head)      // in HTTPHandler.receive
/// decoder.append(part)                         // in HTTPBodyReceiver.receive
/// while let bytes = try decoder.next() { … }   // at most 64 KiB at a time
/// try decoder.finish()                         // in HTTPBodyReceiver.finish
/// ```
///
/// gzip, deflate, br and zstd, as for bodies that are collected. What is not asked for is not decompressed: a receiver
/// that pauses the body holds one part, as it was sent.
public final class HTTPBodyDecoder {
    /// What comes out of one step at most.
    private static let stepByteCount = 64 * 1024
    /// A short body may inflate to this many bytes whatever the ratio.
    private static let freeByteCount = 1024 * 1024

    private let maximumRatio: Int
    private var steps: (any HTTPDecodingSteps)?
    private var input = ByteBuffer()
    private var state = DecompressionStep.State.underWay
    private var receivedByteCount = 0
    private var decodedByteCount = 0

    /// A decoder for the body that this head announces.
    ///
    /// Throws ``HTTPBodyFailure/unsupportedEncoding(_:)``.
    public init(_ head: HTTPRequestHead, maximumRatio: Int = HTTPLimits().maximumInflationRatio) throws(HTTPBodyFailure)
    {
        self.maximumRatio = maximumRatio
        switch HTTPContentEncoding(head.headers["Content-Encoding"].joined(separator: ", ")) {
        case .identity: self.steps = nil
        case .gzip: self.steps = try Self.steps(try? Inflater(.gzip))
        case .deflate: self.steps = try Self.steps(try? Inflater(.zlib))
        case .brotli: self.steps = try Self.steps(try? BrotliDecompressor())
        case .zstandard: self.steps = try Self.steps(try? ZstandardDecompressor())
        case .unsupported(let name): throw .unsupportedEncoding(name)
        }
    }

    private static func steps<Kind: Decompressor & ~Copyable>(
        _ decompressor: consuming Kind?
    ) throws(HTTPBodyFailure) -> any HTTPDecodingSteps {
        guard let decompressor else { throw .malformedEncoding }
        return HTTPDecompressorSteps(decompressor)
    }

    /// Takes a part of the body as it was sent.
    public func append(_ part: ByteBuffer) {
        self.receivedByteCount += part.readableBytes
        if self.input.readableBytes == 0 {
            self.input = part
        } else {
            self.input.writeImmutableBuffer(part)
        }
    }

    /// The next bytes of the body itself; nil if more has to come first.
    ///
    /// Throws ``HTTPBodyFailure/malformedEncoding``, and ``HTTPBodyFailure/tooLarge(maximumByteCount:)`` for a body
    /// that inflates beyond 1 MiB and the ratio.
    public func next() throws(HTTPBodyFailure) -> ByteBuffer? {
        guard let steps = self.steps else {
            guard self.input.readableBytes > 0 else { return nil }
            var bytes = ByteBuffer()
            swap(&bytes, &self.input)
            return bytes
        }
        var output = ByteBuffer()
        while output.readableBytes == 0 {
            if self.state == .ended {
                guard self.input.readableBytes > 0 else { return nil }
                guard steps.beginNext() else { throw .malformedEncoding }
            }
            let waitingByteCount = self.input.readableBytes
            self.state = steps.step(&self.input, &output, room: Self.stepByteCount)
            if self.state == .damaged { throw .malformedEncoding }
            if self.state == .stalled { self.state = .underWay }
            let isStuck = output.readableBytes == 0 && self.input.readableBytes == waitingByteCount
            if isStuck && self.state == .underWay { return nil }
        }
        self.decodedByteCount += output.readableBytes
        let (ratioByteCount, overflow) = self.receivedByteCount.multipliedReportingOverflow(by: self.maximumRatio)
        let bound = max(Self.freeByteCount, overflow ? .max : ratioByteCount)
        guard self.decodedByteCount <= bound else { throw .tooLarge(maximumByteCount: bound) }
        return output
    }

    /// Checks that the body ended where its coding ends.
    ///
    /// Throws ``HTTPBodyFailure/malformedEncoding``.
    public func finish() throws(HTTPBodyFailure) {
        guard self.steps != nil, self.receivedByteCount > 0 else { return }
        guard self.state == .ended, self.input.readableBytes == 0 else { throw .malformedEncoding }
    }
}

/// A decompressor of whatever format.
private protocol HTTPDecodingSteps: AnyObject {
    func step(_ input: inout ByteBuffer, _ output: inout ByteBuffer, room: Int) -> DecompressionStep.State
    func beginNext() -> Bool
}

private final class HTTPDecompressorSteps<Kind: Decompressor & ~Copyable>: HTTPDecodingSteps {
    private var decompressor: Kind

    init(_ decompressor: consuming Kind) {
        self.decompressor = decompressor
    }

    func step(_ input: inout ByteBuffer, _ output: inout ByteBuffer, room: Int) -> DecompressionStep.State {
        self.decompressor.step(&input, &output, room: room)
    }

    func beginNext() -> Bool { self.decompressor.beginNext() }
}
