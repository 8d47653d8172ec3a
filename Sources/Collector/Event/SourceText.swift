import EventJSON

/// Writes an event's `source`: what the sender gave, with `count`, `trace` and `release` filled in.
struct SourceText {
    let state: StateSnapshot
    let requestTrace: String?

    /// What stands for the source of an event that has none.
    private static let defaultMembers = Array(#""type":"collector","schema":"4""#.utf8)

    func append(
        _ slice: JSONSlice?,
        of bytes: UnsafeBufferPointer<UInt8>,
        to text: inout ByteWriter,
        count: () -> Int
    ) {
        guard let slice, slice.kind != .null else {
            text.append(UInt8(ascii: "{"))
            text.append(contentsOf: Self.defaultMembers)
            finish(&text, hasMembers: true, count: count(), needsTrace: true, platform: nil)
            return
        }
        guard slice.kind == .object else {
            text.append(UInt8(ascii: "{"))
            finish(&text, hasMembers: false, count: count(), needsTrace: true, platform: nil)
            return
        }
        if slice.form == .canonical {
            appendObject(slice, of: bytes, to: &text, count: count)
        } else {
            var canonical = ByteWriter(capacity: slice.count)
            JSONCanonicalizer.append(slice, of: bytes, to: &canonical)
            appendObject(JSONSlice(whole: canonical.written), of: canonical.written, to: &text, count: count)
        }
    }

    private enum Name {
        case count
        case trace
        case release
        case platform

        init?(_ quoted: UnsafeBufferPointer<UInt8>) {
            switch quoted.count {
            case 7:
                if ByteText.equals(quoted, #""count""#) {
                    self = .count
                } else if ByteText.equals(quoted, #""trace""#) {
                    self = .trace
                } else {
                    return nil
                }
            case 9 where ByteText.equals(quoted, #""release""#): self = .release
            case 10 where ByteText.equals(quoted, #""platform""#): self = .platform
            default: return nil
            }
        }
    }

    private func appendObject(
        _ object: JSONSlice,
        of bytes: UnsafeBufferPointer<UInt8>,
        to text: inout ByteWriter,
        count: () -> Int
    ) {
        var hasCount = false
        var hasTrace = false
        var hasRelease = false
        var platform: JSONSlice?
        // What is copied as it is, is copied in runs; one begins here.
        var start = Int(object.start)
        func copy(to end: Int, then next: Int, _ text: inout ByteWriter) {
            text.append(contentsOf: UnsafeBufferPointer(rebasing: bytes[start..<end]))
            start = next
        }
        var members = JSONMemberCursor(object, in: bytes)
        while let (name, value) = members.next() {
            switch Name(UnsafeBufferPointer(rebasing: bytes[name.range])) {
            case .count:
                hasCount = true
                guard value.kind == .null else { continue }
                copy(to: Int(value.start), then: Int(value.end), &text)
                ByteText.append(count(), to: &text)
            case .trace:
                hasTrace = true
                guard value.kind == .null else { continue }
                copy(to: Int(value.start), then: Int(value.end), &text)
                appendTrace(to: &text)
            case .release:
                hasRelease = true
                copy(to: Int(value.start), then: Int(value.end), &text)
                text.append(contentsOf: release(value, of: object, in: bytes))
            case .platform: platform = value.kind == .string ? value : nil
            case nil: continue
            }
        }
        copy(to: Int(object.end) - 1, then: Int(object.end), &text)
        let platformText = platform.map { UnsafeBufferPointer(rebasing: bytes[$0.range]) }
        finish(
            &text,
            hasMembers: object.count > 2,
            count: hasCount ? nil : count(),
            needsTrace: !hasTrace,
            platform: platformText,
            needsRelease: !hasRelease
        )
    }

    /// The sender's `release` with this collector's in it.
    private func release(_ value: JSONSlice, of object: JSONSlice, in bytes: UnsafeBufferPointer<UInt8>) -> [UInt8] {
        var release = JSONValue(validated: value, in: bytes).object ?? [:]
        let platform = JSONLookup(bytes).member(Array(#""platform""#.utf8), of: object)
        let key = state.name ?? platform.flatMap { JSONValue(validated: $0, in: bytes).string } ?? "default"
        release[key] = .string(state.release)
        return JSONValue.object(release).jsonText
    }

    /// Appends what is still missing and closes the object.
    private func finish(
        _ text: inout ByteWriter,
        hasMembers: Bool,
        count: Int?,
        needsTrace: Bool,
        platform: UnsafeBufferPointer<UInt8>?,
        needsRelease: Bool = true
    ) {
        var needsComma = hasMembers
        func comma(_ text: inout ByteWriter) {
            if needsComma { text.append(UInt8(ascii: ",")) }
            needsComma = true
        }
        if let count {
            comma(&text)
            text.append(#""count":"#)
            ByteText.append(count, to: &text)
        }
        if needsTrace {
            comma(&text)
            text.append(#""trace":"#)
            appendTrace(to: &text)
        }
        if needsRelease {
            comma(&text)
            text.append(#""release":{"#)
            appendReleaseKey(platform, to: &text)
            text.append(UInt8(ascii: ":"))
            text.append(contentsOf: state.releaseText)
            text.append(UInt8(ascii: "}"))
        }
        text.append(UInt8(ascii: "}"))
    }

    private func appendTrace(to text: inout ByteWriter) {
        if let requestTrace { text.appendJSON(requestTrace) } else { text.append(contentsOf: state.traceText) }
    }

    /// The flow's name, else the platform (JSON text, quotes included).
    private func appendReleaseKey(_ platform: UnsafeBufferPointer<UInt8>?, to text: inout ByteWriter) {
        if let name = state.name {
            text.appendJSON(name)
        } else if let platform {
            text.append(contentsOf: platform)
        } else {
            text.append(#""default""#)
        }
    }
}
