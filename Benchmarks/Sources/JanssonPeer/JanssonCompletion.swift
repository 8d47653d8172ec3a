import CJanssonPeer

/// Makes a complete event of what a sender wrote: the collector's completion, over trees.
struct JanssonCompletion {
    let trace: String
    let release: String
    let nowMilliseconds: Int
    let runStartMilliseconds: Int

    /// A new object of the fifteen members in order; nil if the event has no valid name.
    func complete(_ sent: JanssonTree, count: inout Int) -> JanssonTree? {
        guard let name = sent.member("name"), let words = JanssonWords(name) else { return nil }
        let event: JanssonTree? = json_object()
        guard let event else { return nil }
        event.set("name", name)
        copy("data", from: sent, to: event) { json_object() }
        copy("context", from: sent, to: event) { json_object() }
        copy("globals", from: sent, to: event) { json_object() }
        copy("custom", from: sent, to: event) { json_object() }
        copy("user", from: sent, to: event) { json_object() }
        copy("nested", from: sent, to: event) { json_array() }
        copy("consent", from: sent, to: event) { json_object() }
        copy("id", from: sent, to: event) { Self.randomID() }
        copy("trigger", from: sent, to: event) { json_stringn("", 0) }
        copy("entity", from: sent, to: event) { words.entity }
        copy("action", from: sent, to: event) { words.action }
        copy("timestamp", from: sent, to: event) { json_integer(json_int_t(nowMilliseconds)) }
        copy("timing", from: sent, to: event) {
            let seconds = (Double(nowMilliseconds - runStartMilliseconds) / 10).rounded() / 100
            return Int(exactly: seconds).map { json_integer(json_int_t($0)) } ?? json_real(seconds)
        }
        appendSource(sent.member("source"), to: event, count: &count)
        return event
    }

    private func copy(
        _ name: StaticString,
        from sent: JanssonTree,
        to event: JanssonTree,
        default make: () -> JanssonTree?
    ) {
        if let value = sent.member(name) {
            event.set(name, value)
        } else {
            event.setNew(name, make())
        }
    }

    private func appendSource(_ sent: JanssonTree?, to event: JanssonTree, count: inout Int) {
        let source: JanssonTree?
        if let sent, sent.isObject {
            source = json_incref(sent)
        } else {
            source = json_object()
            source?.setNew("type", json_string("collector"))
            source?.setNew("schema", json_string("4"))
        }
        guard let source else { return }
        if source.member("count")?.isNull ?? true {
            count += 1
            source.setNew("count", json_integer(json_int_t(count)))
        }
        if source.member("trace")?.isNull ?? true { source.setNew("trace", json_string(trace)) }
        if let known = source.member("release"), known.isObject {
            setRelease(in: known, platform: source.member("platform"))
        } else if let made = json_object() {
            setRelease(in: made, platform: source.member("platform"))
            source.setNew("release", made)
        }
        event.setNew("source", source)
    }

    private func setRelease(in object: JanssonTree, platform: JanssonTree?) {
        if let platform, let key = json_string_value(platform) {
            json_object_set_new(object, key, json_string(release))
        } else {
            object.setNew("default", json_string(release))
        }
    }

    private static func randomID() -> JanssonTree? {
        let digits = String(UInt64.random(in: 1...UInt64.max), radix: 16)
        return json_string(String(repeating: "0", count: 16 - digits.utf8.count) + digits)
    }
}

/// The first two words of an event's name, borrowed.
struct JanssonWords {
    private let entityBytes: UnsafeRawBufferPointer
    private let actionBytes: UnsafeRawBufferPointer

    init?(_ name: JanssonTree) {
        guard let bytes = name.stringBytes, let first = bytes.firstIndex(of: 0x20), first > 0 else { return nil }
        let rest = bytes[(first + 1)...]
        let second = rest.firstIndex(of: 0x20) ?? rest.endIndex
        guard second > rest.startIndex else { return nil }
        entityBytes = UnsafeRawBufferPointer(rebasing: bytes[..<first])
        actionBytes = UnsafeRawBufferPointer(rebasing: rest[..<second])
    }

    var entity: JanssonTree? { Self.string(entityBytes) }
    var action: JanssonTree? { Self.string(actionBytes) }

    /// Whether these are the words.
    func equal(_ entity: StaticString, _ action: StaticString) -> Bool {
        entity.withUTF8Buffer { $0.elementsEqual(entityBytes) }
            && action.withUTF8Buffer { $0.elementsEqual(actionBytes) }
    }

    private static func string(_ bytes: UnsafeRawBufferPointer) -> JanssonTree? {
        json_stringn(bytes.bindMemory(to: CChar.self).baseAddress, bytes.count)
    }
}
