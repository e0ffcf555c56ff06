/// Numbers as text and back, without a formatter that knows every language.
enum Decimal {
    /// Reads digits with at most one point; `nil` for anything else.
    static func parse(_ text: Substring) -> Double? {
        let isDecimal = text.utf8.allSatisfy { (0x30...0x39).contains($0) || $0 == 0x2E }
        guard isDecimal, let number = Double(String(text)), number.isFinite else { return nil }
        return number
    }

    /// With so many digits behind the point.
    static func fixed(_ value: Double, _ digits: Int) -> String {
        var scale = 1.0
        for _ in 0..<digits { scale *= 10 }
        guard value.isFinite, abs(value) * scale < 9e15 else { return "\(value)" }
        let scaled = Int64((abs(value) * scale).rounded())
        let sign = value < 0 && scaled > 0 ? "-" : ""
        if digits == 0 { return sign + String(scaled) }
        let unit = Int64(scale)
        let fraction = String(scaled % unit)
        let zeros = String(repeating: "0", count: digits - fraction.count)
        return sign + String(scaled / unit) + "." + zeros + fraction
    }

    /// The shortest text that reads back the same, without a needless `.0`.
    static func shortest(_ value: Double) -> String {
        if let whole = Int64(exactly: value) { return String(whole) }
        return String(value)
    }

    /// With so many significant digits, as long as that takes no exponent.
    static func significant(_ value: Double, _ digits: Int) -> String {
        var whole = 1
        var rest = abs(value)
        while rest >= 10, rest.isFinite {
            rest /= 10
            whole += 1
        }
        return fixed(value, max(digits - whole, 0))
    }

    /// A whole number in groups of three.
    static func grouped(_ value: UInt64) -> String {
        let digits = String(value)
        var text = ""
        for (position, digit) in digits.enumerated() {
            if position > 0, (digits.count - position) % 3 == 0 { text += "," }
            text.append(digit)
        }
        return text
    }

    /// A number of things: `1 stream`, `16 connections`.
    static func count(_ number: Int, _ noun: String) -> String {
        grouped(UInt64(max(number, 0))) + " " + noun + (number == 1 ? "" : "s")
    }

    /// A time in the unit that a reader wants: `850 ns`, `12.3 µs`, `4.56 ms`, `1.23 s`.
    static func time(_ nanoseconds: Double) -> String {
        let size = abs(nanoseconds)
        if size < 999.5 { return significant(nanoseconds, 3) + " ns" }
        if size < 999_500 { return significant(nanoseconds / 1e3, 3) + " µs" }
        if size < 999_500_000 { return significant(nanoseconds / 1e6, 3) + " ms" }
        return significant(nanoseconds / 1e9, 3) + " s"
    }

    static func time(_ nanoseconds: UInt64) -> String { time(Double(nanoseconds)) }

    /// A time in whole or broken seconds, as Go prints and reads durations.
    static func goDuration(_ duration: Duration) -> String {
        shortest(Double(nanoseconds: duration) / 1e9) + "s"
    }

    /// A share as percents: `5.00 %`, `0.012 %`.
    static func percent(_ share: Double) -> String {
        let percents = share * 100
        if percents == 0 { return "0 %" }
        return (percents < 1 ? fixed(percents, 3) : fixed(percents, 2)) + " %"
    }

    static func bytes(_ count: Double) -> String {
        if count < 1000 { return significant(count, 3) + " B" }
        if count < 1e6 { return significant(count / 1e3, 3) + " kB" }
        if count < 1e9 { return significant(count / 1e6, 3) + " MB" }
        return significant(count / 1e9, 3) + " GB"
    }

    /// A rate a second with what digits matter.
    static func rate(_ perSecond: Double) -> String {
        if perSecond == 0 { return "0" }
        return perSecond < 1000
            ? significant(perSecond, 4) : grouped(UInt64(max(perSecond, 0).rounded()))
    }
}
