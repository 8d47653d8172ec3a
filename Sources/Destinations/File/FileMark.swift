import CFileAttributes

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// A number kept with a file itself, as an extended attribute: it goes along when the file is renamed.
///
/// A file system may have none; then the number is not there.
enum FileMark: String {
    /// When the first line was written, in milliseconds since 1970.
    case firstLine = "user.collectord.first-line"
    /// How many bytes were known to be whole rows when the file was closed.
    case wholeRows = "user.collectord.whole-rows"

    /// The number; nil if there is none.
    func read(_ descriptor: Int32) -> Int? {
        var text = [UInt8](repeating: 0, count: 20)
        #if os(Linux)
        let count = fgetxattr(descriptor, rawValue, &text, text.count)
        #else
        let count = fgetxattr(descriptor, rawValue, &text, text.count, 0, 0)
        #endif
        return count > 0 ? Int(String(decoding: text[..<count], as: UTF8.self)) : nil
    }

    /// Notes the number. What cannot be noted is done without.
    func write(_ number: Int, to descriptor: Int32) {
        let text = Array(String(number).utf8)
        #if os(Linux)
        _ = fsetxattr(descriptor, rawValue, text, text.count, 0)
        #else
        _ = fsetxattr(descriptor, rawValue, text, text.count, 0, 0)
        #endif
    }
}
