/// What a piece of output says about the matter, apart from its words.
public enum Tone: Equatable, Sendable {
    case plain
    case good
    case caution
    case bad
    case faint
    case strong
}

/// Turns tones into colours where colours are wanted.
public struct Palette: Equatable, Sendable {
    public let isColoured: Bool

    public init(isColoured: Bool) {
        self.isColoured = isColoured
    }

    /// Colours only on a terminal, and never when `NO_COLOR` is set and not empty (no-color.org).
    public init(isTerminal: Bool, environment: [String: String]) {
        let isRefused = !environment["NO_COLOR", default: ""].isEmpty
        isColoured = isTerminal && !isRefused && environment["TERM"] != "dumb"
    }

    public func paint(_ text: String, _ tone: Tone) -> String {
        guard isColoured, let code = Self.code(tone), !text.isEmpty else { return text }
        return "\u{1B}[\(code)m\(text)\u{1B}[0m"
    }

    private static func code(_ tone: Tone) -> String? {
        switch tone {
        case .plain: nil
        case .good: "32"
        case .caution: "33"
        case .bad: "31"
        case .faint: "2"
        case .strong: "1"
        }
    }
}
