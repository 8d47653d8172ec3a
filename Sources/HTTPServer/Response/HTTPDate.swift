import NIOCore

#if canImport(Darwin)
import Darwin
#elseif canImport(Musl)
import Musl
#else
import Glibc
#endif

/// A moment as HTTP writes it: `Sun, 06 Nov 1994 08:49:37 GMT` (RFC 9110, section 5.6.7).
struct HTTPDate: Equatable {
    /// The seconds since the first of January 1970, UTC; never negative.
    let secondsSinceEpoch: Int

    init(secondsSinceEpoch: Int) {
        self.secondsSinceEpoch = max(0, secondsSinceEpoch)
    }

    /// The wall clock's moment.
    static var now: HTTPDate { HTTPDate(secondsSinceEpoch: time(nil)) }

    private static let weekdays: [StaticString] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"]
    private static let months: [StaticString] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]

    /// The whole header line: `Date: …` with its line end.
    var headerLine: ByteBuffer {
        let days = self.secondsSinceEpoch / 86_400
        let secondOfDay = self.secondsSinceEpoch % 86_400
        let (year, month, day) = Self.civilDate(daysSinceEpoch: days)
        var line = ByteBuffer()
        line.writeStaticString("Date: ")
        line.writeStaticString(Self.weekdays[days % 7])
        line.writeStaticString(", ")
        line.writeTwoDigits(day)
        line.writeStaticString(" ")
        line.writeStaticString(Self.months[month - 1])
        line.writeStaticString(" ")
        line.writeTwoDigits(year / 100)
        line.writeTwoDigits(year % 100)
        line.writeStaticString(" ")
        line.writeTwoDigits(secondOfDay / 3600)
        line.writeStaticString(":")
        line.writeTwoDigits(secondOfDay / 60 % 60)
        line.writeStaticString(":")
        line.writeTwoDigits(secondOfDay % 60)
        line.writeStaticString(" GMT\r\n")
        return line
    }

    /// The moment without the field's name.
    var text: String {
        var line = self.headerLine
        line.moveReaderIndex(forwardBy: "Date: ".utf8.count)
        return line.readString(length: line.readableBytes - 2) ?? ""
    }

    /// The date of a day in the Gregorian calendar, counted in eras of 400 years that begin on the first of March.
    private static func civilDate(daysSinceEpoch: Int) -> (year: Int, month: Int, day: Int) {
        let shifted = daysSinceEpoch + 719_468
        let era = shifted / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        let day = dayOfYear - (153 * shiftedMonth + 2) / 5 + 1
        let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, day)
    }
}

extension ByteBuffer {
    fileprivate mutating func writeTwoDigits(_ number: Int) {
        if number < 10 { self.writeStaticString("0") }
        self.writeNumber(number, radix: 10)
    }
}
