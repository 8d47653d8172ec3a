import CFileAttributes

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// The time of a file's first line, kept with the file itself, so that its age holds after a restart.
///
/// An extended attribute: it goes along when the file is renamed, and changes with nothing else. Where a file system
/// has none, the age counts from the last write before the file was opened.
enum FirstLineMark {
    private static let name = "user.collectord.first-line"

    /// The time in milliseconds since 1970; nil if there is none.
    static func read(_ descriptor: Int32) -> Int? {
        var text = [UInt8](repeating: 0, count: 20)
        #if os(Linux)
        let count = fgetxattr(descriptor, name, &text, text.count)
        #else
        let count = fgetxattr(descriptor, name, &text, text.count, 0, 0)
        #endif
        return count > 0 ? Int(String(decoding: text[..<count], as: UTF8.self)) : nil
    }

    /// Notes the time. What cannot be noted is done without.
    static func write(_ milliseconds: Int, to descriptor: Int32) {
        let text = Array(String(milliseconds).utf8)
        #if os(Linux)
        _ = fsetxattr(descriptor, name, text, text.count, 0)
        #else
        _ = fsetxattr(descriptor, name, text, text.count, 0, 0)
        #endif
    }
}
