/// An event's name: "entity action".
package enum EventName {
    /// The first two words, separated by single spaces; nil unless both are there. Later words are not looked at.
    package static func words(_ name: String) -> (entity: String, action: String)? {
        let bytes = name.utf8
        guard let first = bytes.firstIndex(of: UInt8(ascii: " ")), first > bytes.startIndex else { return nil }
        let rest = bytes[bytes.index(after: first)...]
        let second = rest.firstIndex(of: UInt8(ascii: " ")) ?? rest.endIndex
        guard second > rest.startIndex else { return nil }
        return (String(name[..<first]), String(name[rest.startIndex..<second]))
    }
}
