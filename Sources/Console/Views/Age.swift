import FoundationEssentials
import Kernel

/// Reads a date in UTC (RFC 3339 §5.6), such as `2026-01-31T12:00:00.000Z`.
func secondsSinceEpoch(_ text: String) -> Int64? {
    let whole = text.firstIndex(of: ".").map { text[..<$0] + "Z" } ?? text[...]
    guard let date = try? Date(String(whole), strategy: .iso8601) else { return nil }
    return Int64(date.timeIntervalSince1970)
}

/// The time since a date in whole units: `12 s`, `3 min`.
///
/// Clocks differ between machines, so a date in the future counts as now.
func ageText(since time: Int64?, now: Int64) -> String {
    guard let time else { return "-" }
    let seconds = max(0, now - time)
    return seconds < 10 ? "\(seconds) s" : Duration.seconds(seconds).shortText
}

extension Int64 {
    /// The date, for ages in tables.
    static func secondsSinceEpoch() -> Int64 {
        Int64(clamping: WallClock.nanosecondsSinceEpoch() / 1_000_000_000)
    }
}
