#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// Finds where the last whole line of a file ends.
struct FileTail {
    /// The file, open for reading.
    let descriptor: Int32
    /// How far the file is looked at.
    let length: Int

    private static let chunkByteCount = 64 * 1024

    /// Looks back from the end, where no line has a line feed inside; 0 if there is no whole line.
    func endOfLastLine() throws(WriteFailure) -> Int {
        var end = length
        while end > 0 {
            let start = max(0, end - Self.chunkByteCount)
            let chunk = try read(start..<end)
            if let feed = chunk.lastIndex(of: UInt8(ascii: "\n")) { return start + feed + 1 }
            end = start
        }
        return 0
    }

    /// Reads on from the end of a row of csv, which may have line feeds between quotes.
    ///
    /// Backwards nothing can be said: whether a line feed ends a row depends on all the quotes before it.
    func endOfLastRow(from start: Int) throws(WriteFailure) -> Int {
        var whole = start
        var isQuoted = false
        var position = start
        while position < length {
            let chunk = try read(position..<min(length, position + Self.chunkByteCount))
            for (offset, byte) in chunk.enumerated() {
                if byte == UInt8(ascii: "\"") {
                    isQuoted.toggle()
                } else if byte == UInt8(ascii: "\n"), !isQuoted {
                    whole = position + offset + 1
                }
            }
            position += chunk.count
        }
        return whole
    }

    private func read(_ range: Range<Int>) throws(WriteFailure) -> [UInt8] {
        var chunk = [UInt8](repeating: 0, count: range.count)
        while true {
            let count = pread(descriptor, &chunk, range.count, off_t(range.lowerBound))
            if count == range.count { return chunk }
            if count < 0, errno == EINTR { continue }
            throw WriteFailure("read the end of the file", number: count < 0 ? errno : EIO)
        }
    }
}
