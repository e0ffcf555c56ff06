/// Where a command writes: results for standard output, progress and messages for standard error.
public final class Screen {
    public let palette: Palette
    public let messagePalette: Palette
    private let isInteractive: Bool
    private let write: (String) -> Void
    private let writeMessage: (String) -> Void
    private var shownProgress = ""

    /// - Parameters:
    ///   - palette: How results are coloured.
    ///   - messagePalette: How progress, warnings and errors are coloured.
    ///   - isInteractive: Whether somebody watches, so that a line of progress may be redrawn.
    ///   - write: Takes results.
    ///   - writeMessage: Takes everything else.
    public init(
        palette: Palette, messagePalette: Palette, isInteractive: Bool,
        write: @escaping (String) -> Void, writeMessage: @escaping (String) -> Void
    ) {
        self.palette = palette
        self.messagePalette = messagePalette
        self.isInteractive = isInteractive
        self.write = write
        self.writeMessage = writeMessage
    }

    /// Writes a piece of the result as it is.
    public func show(_ text: String) {
        clearProgress()
        write(text)
    }

    /// Writes a line beside the result.
    public func say(_ line: String, _ tone: Tone = .plain) {
        clearProgress()
        writeMessage(messagePalette.paint(line, tone) + "\n")
    }

    /// Redraws the line of progress where somebody watches, else does nothing.
    public func showProgress(_ line: String) {
        if !isInteractive || line == shownProgress { return }
        writeMessage("\r\u{1B}[K" + messagePalette.paint(line, .faint))
        shownProgress = line
    }

    /// Takes the line of progress away.
    public func clearProgress() {
        if shownProgress.isEmpty { return }
        writeMessage("\r\u{1B}[K")
        shownProgress = ""
    }

    /// Writes why a command failed, the facts behind it, and what to try next.
    public func report(_ error: ConsoleError) {
        report(error.message, details: error.details, hint: error.hint)
    }

    /// Writes why something failed, the facts behind it, and what to try next.
    public func report(_ message: String, details: [String] = [], hint: String? = nil) {
        clearProgress()
        var text = messagePalette.paint("error:", .bad) + " \(message.shown)\n"
        for detail in details { text += "  \(detail.shown)\n" }
        if let hint {
            text += messagePalette.paint("hint:", .caution) + " \(hint.shown)\n"
        }
        writeMessage(text)
    }
}

/// How a result is written.
public enum OutputFormat: String, CaseIterable, Sendable {
    case table
    /// The table with more columns.
    case wide
    case json
    case yaml

    /// The document as text; `nil` for a table, which every command makes itself.
    public func render(_ document: JSONValue) -> String? {
        switch self {
        case .table, .wide: nil
        case .json: document.encoded(pretty: true) + "\n"
        case .yaml: YAMLText.render(document)
        }
    }
}
