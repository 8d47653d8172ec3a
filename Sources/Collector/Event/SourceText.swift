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
        to text: inout [UInt8],
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
            var canonical: [UInt8] = []
            JSONCanonicalizer.append(slice, of: bytes, to: &canonical)
            canonical.withUnsafeBufferPointer { copy in
                let whole = JSONSlice(start: 0, end: copy.count, kind: .object, form: .canonical)
                appendObject(whole, of: copy, to: &text, count: count)
            }
        }
    }

    private enum Name: String {
        case count = "\"count\""
        case trace = "\"trace\""
        case release = "\"release\""
        case platform = "\"platform\""
    }

    private func appendObject(
        _ object: JSONSlice,
        of bytes: UnsafeBufferPointer<UInt8>,
        to text: inout [UInt8],
        count: () -> Int
    ) {
        var hasCount = false
        var hasTrace = false
        var releasePlace: (name: JSONSlice, value: JSONSlice, position: Int)?
        var platform: String?
        text.append(UInt8(ascii: "{"))
        var hasMembers = false
        var members = JSONMemberCursor(object, in: bytes)
        while let (name, value) = members.next() {
            if hasMembers { text.append(UInt8(ascii: ",")) }
            hasMembers = true
            text.append(contentsOf: UnsafeBufferPointer(rebasing: bytes[name.range]))
            text.append(UInt8(ascii: ":"))
            switch Self.name(UnsafeBufferPointer(rebasing: bytes[name.range])) {
            case .count where value.kind == .null:
                text.append(contentsOf: String(count()).utf8)
                hasCount = true
            case .trace where value.kind == .null:
                appendTrace(to: &text)
                hasTrace = true
            case .release:
                releasePlace = (name, value, text.count)
            case let known:
                if known == .count { hasCount = true }
                if known == .trace { hasTrace = true }
                if known == .platform { platform = JSONValue(validated: value, in: bytes).string }
                text.append(contentsOf: UnsafeBufferPointer(rebasing: bytes[value.range]))
            }
        }
        if let releasePlace {
            var release = JSONValue(validated: releasePlace.value, in: bytes).object ?? [:]
            release[releaseKey(platform)] = .string(state.release)
            var written: [UInt8] = []
            release.appendJSON(to: &written)
            text.insert(contentsOf: written, at: releasePlace.position)
            finish(
                &text,
                hasMembers: hasMembers,
                count: hasCount ? nil : count(),
                needsTrace: !hasTrace,
                platform: platform,
                needsRelease: false
            )
        } else {
            finish(
                &text,
                hasMembers: hasMembers,
                count: hasCount ? nil : count(),
                needsTrace: !hasTrace,
                platform: platform
            )
        }
    }

    private static func name(_ quoted: UnsafeBufferPointer<UInt8>) -> Name? {
        switch quoted.count {
        case 7:
            if quoted.elementsEqual(Name.count.rawValue.utf8) { return .count }
            return quoted.elementsEqual(Name.trace.rawValue.utf8) ? .trace : nil
        case 9: return quoted.elementsEqual(Name.release.rawValue.utf8) ? .release : nil
        case 10: return quoted.elementsEqual(Name.platform.rawValue.utf8) ? .platform : nil
        default: return nil
        }
    }

    /// Appends what is still missing and closes the object.
    private func finish(
        _ text: inout [UInt8],
        hasMembers: Bool,
        count: Int?,
        needsTrace: Bool,
        platform: String?,
        needsRelease: Bool = true
    ) {
        var needsComma = hasMembers
        func comma(_ text: inout [UInt8]) {
            if needsComma { text.append(UInt8(ascii: ",")) }
            needsComma = true
        }
        if let count {
            comma(&text)
            text.append(contentsOf: "\"count\":".utf8)
            text.append(contentsOf: String(count).utf8)
        }
        if needsTrace {
            comma(&text)
            text.append(contentsOf: "\"trace\":".utf8)
            appendTrace(to: &text)
        }
        if needsRelease {
            comma(&text)
            text.append(contentsOf: "\"release\":{".utf8)
            releaseKey(platform).appendJSON(to: &text)
            text.append(UInt8(ascii: ":"))
            state.release.appendJSON(to: &text)
            text.append(UInt8(ascii: "}"))
        }
        text.append(UInt8(ascii: "}"))
    }

    private func appendTrace(to text: inout [UInt8]) {
        (requestTrace ?? state.trace).appendJSON(to: &text)
    }

    private func releaseKey(_ platform: String?) -> String {
        state.name ?? platform ?? "default"
    }
}
