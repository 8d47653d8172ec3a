/// Where things are in a store's directory. Nothing is named after what users say.
struct StorePaths: Sendable {
    let root: String

    var lock: String { root + "/LOCK" }
    var format: String { root + "/FORMAT" }
    var log: String { root + "/log" }
    var newLogFile: String { log + "/new" }
    var segments: String { root + "/segments" }
    var keys: String { root + "/keys" }
    var metadata: String { root + "/streams.db" }
    var quarantine: String { root + "/quarantine" }

    func logFile(base: UInt64) -> String { "\(log)/\(Self.hexadecimal(base)).log" }

    func segmentDirectory(stream: UInt64) -> String {
        let name = Self.hexadecimal(stream & 0xff)
        return "\(segments)/\(name.suffix(2))"
    }

    func segment(stream: UInt64, base: UInt64) -> String {
        "\(segmentDirectory(stream: stream))/\(Self.hexadecimal(stream))-\(Self.hexadecimal(base)).seg"
    }

    func keyRun(_ number: UInt64) -> String { "\(keys)/\(Self.hexadecimal(number)).keys" }

    static func hexadecimal(_ value: UInt64) -> String {
        let text = String(value, radix: 16)
        return String(repeating: "0", count: 16 - text.count) + text
    }

    /// The base that a log file's name says.
    static func logFileBase(_ name: String) -> UInt64? {
        guard name.utf8.count == 20, name.hasSuffix(".log") else { return nil }
        return UInt64(name.prefix(16), radix: 16)
    }

    /// The number that the name of a run of keys says.
    static func keyRunNumber(_ name: String) -> UInt64? {
        guard name.utf8.count == 21, name.hasSuffix(".keys") else { return nil }
        return UInt64(name.prefix(16), radix: 16)
    }

    /// Stream and base that a segment file's name says.
    static func segmentName(_ name: String) -> (stream: UInt64, base: UInt64)? {
        guard name.utf8.count == 37, name.hasSuffix(".seg"), let stream = UInt64(name.prefix(16), radix: 16),
            let base = UInt64(name.dropFirst(17).prefix(16), radix: 16)
        else { return nil }
        return (stream, base)
    }
}
