public import Bytes

/// A moment by the wall clock, for people; nothing is ever measured with it.
public struct Timestamp: Equatable, Sendable {
    public var unixMilliseconds: UInt64

    public init(unixMilliseconds: UInt64) {
        self.unixMilliseconds = unixMilliseconds
    }

    /// Appends the moment in UTC, such as `2026-11-22T13:06:49.042Z` (RFC 3339 §5.6).
    ///
    /// A moment after the year 9999 is rendered as its last day.
    public func append(to text: inout Buffer) {
        let seconds = unixMilliseconds / 1000
        let date = Self.civilDate(daysSinceEpoch: Swift.min(seconds / 86_400, 2_932_896))
        Self.append(date.year, digits: 4, to: &text)
        text.append("-")
        Self.append(date.month, digits: 2, to: &text)
        text.append("-")
        Self.append(date.day, digits: 2, to: &text)
        text.append("T")
        Self.append(seconds % 86_400 / 3600, digits: 2, to: &text)
        text.append(":")
        Self.append(seconds % 3600 / 60, digits: 2, to: &text)
        text.append(":")
        Self.append(seconds % 60, digits: 2, to: &text)
        text.append(".")
        Self.append(unixMilliseconds % 1000, digits: 3, to: &text)
        text.append("Z")
    }

    /// The Gregorian date; a year begins on the first of March here, so that a leap day ends it.
    private static func civilDate(
        daysSinceEpoch days: UInt64
    ) -> (year: UInt64, month: UInt64, day: UInt64) {
        let shifted = days + 719_468
        let era = shifted / 146_097
        let dayOfEra = shifted % 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let monthFromMarch = (5 * dayOfYear + 2) / 153
        let month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
        let year = era * 400 + yearOfEra + (month <= 2 ? 1 : 0)
        return (year, month, dayOfYear - (153 * monthFromMarch + 2) / 5 + 1)
    }

    private static func append(_ number: UInt64, digits: Int, to text: inout Buffer) {
        var divisor: UInt64 = 1
        for _ in 1..<digits { divisor *= 10 }
        while divisor > 0 {
            text.append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: number / divisor % 10))
            divisor /= 10
        }
    }
}
