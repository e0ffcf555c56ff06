import Bytes
import Kernel

/// The date of a response (RFC 9110 §5.6.7), such as `Sun, 06 Nov 1994 08:49:37 GMT`.
struct HTTPDate {
    private let seconds: UInt64

    init(secondsSinceEpoch seconds: UInt64) {
        self.seconds = seconds
    }

    static func now() -> HTTPDate {
        HTTPDate(secondsSinceEpoch: WallClock.nanosecondsSinceEpoch() / 1_000_000_000)
    }

    func append(to buffer: inout Buffer) {
        let day = seconds / 86_400
        let second = seconds % 86_400
        let date = Self.calendarDate(day)
        buffer.append(string: Self.weekdays[Int(day % 7)])
        buffer.append(", ")
        appendTwoDigits(date.day, to: &buffer)
        buffer.append(0x20)
        buffer.append(string: Self.months[Int(date.month - 1)])
        buffer.append(0x20)
        buffer.append(decimal: date.year)
        buffer.append(0x20)
        appendTwoDigits(second / 3600, to: &buffer)
        buffer.append(UInt8(ascii: ":"))
        appendTwoDigits(second / 60 % 60, to: &buffer)
        buffer.append(UInt8(ascii: ":"))
        appendTwoDigits(second % 60, to: &buffer)
        buffer.append(" GMT")
    }

    private static let weekdays = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"]
    private static let months = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]

    private func appendTwoDigits(_ number: UInt64, to buffer: inout Buffer) {
        if number < 10 { buffer.append(UInt8(ascii: "0")) }
        buffer.append(decimal: number)
    }

    /// The Gregorian date of a day since 1970-01-01, by counting years from March on, so that the
    /// leap day is the last of its year.
    private static func calendarDate(
        _ daysSinceEpoch: UInt64
    ) -> (year: UInt64, month: UInt64, day: UInt64) {
        let days = daysSinceEpoch + 719_468
        let era = days / 146_097
        let dayOfEra = days % 146_097
        let yearOfEra =
            (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let monthFromMarch = (5 * dayOfYear + 2) / 153
        let day = dayOfYear - (153 * monthFromMarch + 2) / 5 + 1
        let month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
        return (era * 400 + yearOfEra + (month <= 2 ? 1 : 0), month, day)
    }
}
