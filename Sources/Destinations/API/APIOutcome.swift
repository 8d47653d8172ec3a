import Collector
import EventJSON

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// What became of a request.
struct APIAnswer: Sendable {
    /// What became of its events.
    let outcome: DeliveryOutcome
    /// Whether the service refused the request for what is in its body: it may take a part of it.
    var refusesContent = false
}

/// What a status says about the events of a request.
enum APIOutcome {
    /// No service may hold events back for longer.
    static let maximumRetrySeconds = 3600

    /// How long a service is left alone that does not accept the credentials.
    static let credentialsPause = Duration.seconds(5)

    /// Whether a status says that the body is at fault, or too large, and not the place or the way.
    static func refusesContent(status: Int) -> Bool { [400, 413, 422].contains(status) }

    /// The outcome for a status, and what the header `Retry-After` says if there is one.
    ///
    /// - Parameter now: Seconds since 1970.
    static func outcome(status: Int, retryAfter: String?, now: Int = time(nil)) -> DeliveryOutcome {
        switch status {
        case 200..<300: .delivered(response: ["status": .number(JSONNumber(status))])
        case 300..<400:
            .rejected(
                reason: "the service answered \(status), and redirects are not followed: set \"url\" to the new place"
            )
        case 401, 407:
            // Credentials are renewed while the collector runs, and no event is at fault.
            .retry(
                after: retryAfter.flatMap { pause($0, now: now) } ?? credentialsPause,
                reason: "the service answered \(status): look at the credentials in \"headers\""
            )
        case 408, 425, 429, 500...:
            .retry(after: retryAfter.flatMap { pause($0, now: now) }, reason: "the service answered \(status)")
        default: .rejected(reason: "the service answered \(status)")
        }
    }

    /// The pause that `Retry-After` asks for, in seconds or until a date; nil if it is neither.
    static func pause(_ text: String, now: Int) -> Duration? {
        let words = text.split { $0 == " " || $0 == "\t" }
        if words.count == 1, let word = words.first, word.utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }) {
            // More digits than an Int has are more than the maximum, too.
            return .seconds(min(Int(word) ?? maximumRetrySeconds, maximumRetrySeconds))
        }
        return secondsSince1970(text).map { .seconds(min(max($0 - now, 0), maximumRetrySeconds)) }
    }

    private static let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]

    /// The moment that `Sun, 06 Nov 1994 08:49:37 GMT` names (RFC 9110, section 5.6.7; not its obsolete forms).
    private static func secondsSince1970(_ text: String) -> Int? {
        let words = text.split(separator: " ")
        guard words.count == 6, words[5] == "GMT", let month = months.firstIndex(of: String(words[2])),
            let day = number(words[1], 1...31), let year = number(words[3], 1970...9999)
        else { return nil }
        let clock = words[4].split(separator: ":")
        guard clock.count == 3, let hour = number(clock[0], 0...23), let minute = number(clock[1], 0...59),
            let second = number(clock[2], 0...60)
        else { return nil }
        var parts = tm()
        parts.tm_year = Int32(year - 1900)
        parts.tm_mon = Int32(month)
        parts.tm_mday = Int32(day)
        parts.tm_hour = Int32(hour)
        parts.tm_min = Int32(minute)
        parts.tm_sec = Int32(second)
        return timegm(&parts)
    }

    private static func number(_ text: Substring, _ range: ClosedRange<Int>) -> Int? {
        guard text.utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }), let number = Int(text) else { return nil }
        return range.contains(number) ? number : nil
    }
}
