import EventJSON

/// Reads browser, system and device from a user agent, as walkerOS does.
///
/// An iPhone's system is "macOS" there ("like Mac OS X"), and so it is here.
enum UserAgentText {
    private static let browsers: [(name: String, mark: String, unless: String?)] = [
        ("Edge", "Edg", nil), ("Chrome", "Chrome", nil), ("Safari", "Safari", "Chrome"), ("Firefox", "Firefox", nil),
        ("IE", "MSIE", nil), ("IE", "Trident", nil),
    ]
    /// What stands before a version's number, and what must follow later.
    private static let versions: [(before: String, after: String?)] = [
        ("Edg/", nil), ("Chrome/", nil), ("Version/", "Safari"), ("Firefox/", nil), ("MSIE ", nil), ("rv:", "Trident"),
    ]
    private static let systems: [(name: String, mark: String)] = [
        ("Windows", "Windows NT"), ("macOS", "Mac OS X"), ("Android", "Android"), ("iOS", "iPhone OS"),
        ("Linux", "Linux"),
    ]
    private static let systemVersions = ["Windows NT ", "Mac OS X ", "Android ", "iPhone OS "]
    private static let mobiles = [
        "mobi", "android", "iphone", "ipod", "blackberry", "opera mini", "iemobile", "wpdesktop",
    ]

    /// Members of a user: `userAgent`, `browser`, `browserVersion`, `os`, `osVersion`, `deviceType`; what is not known
    /// is not there.
    static func user(of text: String) -> JSONObject {
        if text.isEmpty { return [:] }
        func has(_ mark: String) -> Bool { text.utf8.containsSubsequence(mark.utf8) }
        var user: JSONObject = ["userAgent": .string(text)]
        let browser = browsers.first { has($0.mark) && $0.unless.map(has) != true }
        user["browser"] = browser.map { .string($0.name) } ?? .missing
        user["browserVersion"] = browserVersion(in: text).map(JSONValue.string) ?? .missing
        user["os"] = systems.first { has($0.mark) }.map { .string($0.name) } ?? .missing
        user["osVersion"] = systemVersion(in: text).map(JSONValue.string) ?? .missing
        user["deviceType"] = .string(deviceType(of: text.lowercased()))
        for name in ["browser", "browserVersion", "os", "osVersion"] where user[name].isMissing { user.remove(name) }
        return user
    }

    private static func browserVersion(in text: String) -> String? {
        for (before, after) in versions {
            // Looked for once, not behind each run: a text may consist of runs.
            let last = after.map { lastIndex(of: $0, in: text) }
            let found = runs(behind: before, in: text) { 0x30...0x39 ~= $0 }.first { run in
                last.map { last in last.map { $0 >= run.endIndex } ?? false } ?? true
            }
            if let found { return String(found) }
        }
        return nil
    }

    private static func systemVersion(in text: String) -> String? {
        let found = systemVersions.flatMap { mark in
            runs(behind: mark, in: text) { 0x30...0x39 ~= $0 || $0 == UInt8(ascii: ".") || $0 == UInt8(ascii: "_") }
        }
        let first = found.min { $0.startIndex < $1.startIndex }
        return first.map { String($0.map { $0 == "_" ? "." : $0 }) }
    }

    /// Where a mark begins for the last time.
    private static func lastIndex(of mark: String, in text: String) -> String.Index? {
        let bytes = text.utf8
        return bytes.indices.last { bytes[$0...].starts(with: mark.utf8) }
    }

    /// The runs of such bytes that stand right behind a mark.
    private static func runs(behind mark: String, in text: String, of isPart: (UInt8) -> Bool) -> [Substring] {
        var runs: [Substring] = []
        let bytes = text.utf8
        var start = bytes.startIndex
        while start < bytes.endIndex {
            if bytes[start...].starts(with: mark.utf8) {
                let rest = bytes[start...].dropFirst(mark.utf8.count)
                let run = rest.prefix(while: isPart)
                if !run.isEmpty { runs.append(Substring(run)) }
            }
            start = bytes.index(after: start)
        }
        return runs
    }

    private static func deviceType(of lowercased: String) -> String {
        func has(_ mark: String) -> Bool { lowercased.utf8.containsSubsequence(mark.utf8) }
        if has("tablet") || has("ipad") { return "Tablet" }
        return mobiles.contains(where: has) ? "Mobile" : "Desktop"
    }
}
