/// Times as JavaScript's `toISOString` writes them.
package enum ISOTime {
    /// `2023-11-14T22:13:20.000Z` for milliseconds since 1970; nil outside the years 0 to 9999.
    package static func text(ofMilliseconds milliseconds: Int) -> String? {
        guard -62_167_219_200_000...253_402_300_799_999 ~= milliseconds else { return nil }
        let day = Int((Double(milliseconds) / 86_400_000).rounded(.down))
        let ofDay = milliseconds - day * 86_400_000
        let date = civil(day)
        let time = [ofDay / 3_600_000, ofDay / 60_000 % 60, ofDay / 1000 % 60].map { padded($0, 2) }
        return "\(padded(date.year, 4))-\(padded(date.month, 2))-\(padded(date.day, 2))"
            + "T\(time.joined(separator: ":")).\(padded(ofDay % 1000, 3))Z"
    }

    /// The Gregorian date of a day counted from 1970-01-01, reckoned in years that begin in March.
    private static func civil(_ day: Int) -> (year: Int, month: Int, day: Int) {
        let shifted = day + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * shiftedMonth + 2) / 5 + 1)
    }

    private static func padded(_ number: Int, _ width: Int) -> String {
        let text = String(number)
        return String(repeating: "0", count: max(0, width - text.count)) + text
    }
}
