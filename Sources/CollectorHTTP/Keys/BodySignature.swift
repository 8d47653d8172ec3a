import Crypto
import NIOCore
import NIOHTTP1

/// A sender's proof that it wrote a body: `X-Collectord-Signature: t=<seconds>,v1=<HMAC-SHA-256 in hexadecimal>` over the
/// time, a dot and the body, decompressed.
///
/// The key itself never travels, and what was recorded on the way cannot be sent again later.
struct BodySignature {
    /// The name of the field.
    static let fieldName = "X-Collectord-Signature"
    /// How far the time may be from this machine's, in milliseconds.
    static let maximumAgeMilliseconds = 300_000

    private let time: Substring
    private let milliseconds: Int
    private let code: [UInt8]

    /// The signature that a field holds; nil if it is not written that way.
    init?(_ field: String) {
        var time: Substring?
        var code: [UInt8]?
        for part in field.split(separator: ",") {
            let halves = part.drop { $0 == " " }.split(separator: "=", maxSplits: 1)
            guard halves.count == 2 else { return nil }
            switch halves[0] {
            case "t": time = halves[1]
            case "v1": code = Self.bytes(hexadecimal: halves[1])
            default: continue
            }
        }
        guard let time, time.utf8.count <= 12, let seconds = Int(time), seconds >= 0, let code, code.count == 32 else {
            return nil
        }
        self.time = time
        self.milliseconds = seconds * 1000
        self.code = code
    }

    /// Whether it was made a short time ago.
    func isRecent(nowMilliseconds: Int) -> Bool {
        abs(nowMilliseconds - milliseconds) <= Self.maximumAgeMilliseconds
    }

    /// Whether it was made of that body with that secret. Codes are compared in the same time wherever they differ.
    func isMade(of body: ByteBuffer, with secret: SymmetricKey) -> Bool {
        var code = HMAC<SHA256>(key: secret)
        code.update(data: Array(time.utf8) + [UInt8(ascii: ".")])
        body.withUnsafeReadableBytes { code.update(data: UnsafeRawBufferPointer($0)) }
        return code.finalize() == self.code
    }

    private static func bytes(hexadecimal text: Substring) -> [UInt8]? {
        let digits = text.utf8.map { digit -> UInt8? in
            switch digit {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): digit - UInt8(ascii: "0")
            case UInt8(ascii: "a")...UInt8(ascii: "f"): digit - UInt8(ascii: "a") + 10
            case UInt8(ascii: "A")...UInt8(ascii: "F"): digit - UInt8(ascii: "A") + 10
            default: nil
            }
        }
        guard digits.count.isMultiple(of: 2), !digits.contains(nil) else { return nil }
        let values = digits.compactMap(\.self)
        return stride(from: 0, to: values.count, by: 2).map { values[$0] << 4 | values[$0 + 1] }
    }
}
