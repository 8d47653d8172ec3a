import EventJSON

/// Values by name, found by the name's bytes: no string is made of the text that names them.
struct RuleTable<Value: Sendable>: Sendable {
    private struct Slot: Sendable {
        let name: [UInt8]
        let value: Value
    }

    /// A power of two of places, at most half of them taken.
    private var slots: [Slot?]

    init(_ entries: [(name: String, value: Value)]) {
        var size = 4
        while size < entries.count * 2 { size *= 2 }
        slots = Array(repeating: nil, count: size)
        for entry in entries { insert(Array(entry.name.utf8), entry.value) }
    }

    private mutating func insert(_ name: [UInt8], _ value: Value) {
        var place = name.withUnsafeBufferPointer { Self.hash($0) } & (slots.count - 1)
        while let slot = slots[place], slot.name != name { place = (place + 1) & (slots.count - 1) }
        slots[place] = Slot(name: name, value: value)
    }

    subscript(name: UnsafeBufferPointer<UInt8>) -> Value? {
        var place = Self.hash(name) & (slots.count - 1)
        while let slot = slots[place] {
            if slot.name.withUnsafeBufferPointer({ ByteText.areEqual($0, name) }) { return slot.value }
            place = (place + 1) & (slots.count - 1)
        }
        return nil
    }

    subscript(name: String) -> Value? {
        var name = name
        return name.withUTF8 { self[$0] }
    }

    /// FNV-1a. The names come from the configuration, so nobody can choose them to collide.
    private static func hash(_ name: UnsafeBufferPointer<UInt8>) -> Int {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in name { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
        return Int(truncatingIfNeeded: hash >> 16)
    }
}
