extension Duration {
    /// Reads a length of time as it is typed: `500ms`, `30s`, `2m`, `1h`, or plain seconds.
    ///
    /// - Returns: `nil` for anything else, and for more than a day.
    public init?(typed text: String) {
        let digits = text.prefix { $0.isNumber || $0 == "." }
        guard let count = Double(digits), count >= 0 else { return nil }
        let unit: Double
        switch text.dropFirst(digits.count) {
        case "ms": unit = 0.001
        case "s", "": unit = 1
        case "m": unit = 60
        case "h": unit = 3600
        default: return nil
        }
        let seconds = count * unit
        if seconds > 86_400 { return nil }
        self = .seconds(seconds)
    }

    /// The time in the unit that a reader wants: `12 ms`, `1.4 s`, `3 min`, `5 h`, `9 d`.
    public var shortText: String {
        let milliseconds =
            components.seconds * 1000 + components.attoseconds / 1_000_000_000_000_000
        switch milliseconds {
        case ..<1000: return "\(milliseconds) ms"
        case ..<10_000: return "\(milliseconds / 1000).\(milliseconds % 1000 / 100) s"
        case ..<120_000: return "\(milliseconds / 1000) s"
        case ..<7_200_000: return "\(milliseconds / 60_000) min"
        case ..<172_800_000: return "\(milliseconds / 3_600_000) h"
        default: return "\(milliseconds / 86_400_000) d"
        }
    }
}
