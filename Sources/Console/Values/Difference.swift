/// What a change makes different, field by field, as the control plane says it.
public struct Difference: Equatable, Sendable {
    public enum Change: Equatable, Sendable {
        case added(String)
        case removed(String)
        case changed(from: String, to: String)
    }

    public struct Line: Equatable, Sendable {
        /// Where the field stands: `routes.beta.split.v2`.
        public var path: String
        public var change: Change
    }

    public let lines: [Line]

    public var isEmpty: Bool { lines.isEmpty }

    /// Reads the `diff` of an answer.
    ///
    /// - Parameters:
    ///   - document: A list of `path`, `before` and `after`.
    ///   - prefix: What is left out where a path begins with it, since the reader knows it.
    public init(_ document: JSONValue?, without prefix: String = "") {
        lines = (document?.elements ?? []).compactMap { field in
            guard let path = field["path"]?.text else { return nil }
            let name = path.hasPrefix(prefix) ? String(path.dropFirst(prefix.count)) : path
            return switch (Self.shown(field["before"]), Self.shown(field["after"])) {
            case (let before?, let after?):
                Line(path: name, change: .changed(from: before, to: after))
            case (nil, let after?): Line(path: name, change: .added(after))
            case (let before?, nil): Line(path: name, change: .removed(before))
            case (nil, nil): nil
            }
        }
    }

    /// The value as it is shown; `nil` for none.
    private static func shown(_ value: JSONValue?) -> String? {
        guard let value, value != .null else { return nil }
        return value.plainText.isEmpty ? "(empty)" : value.plainText
    }

    /// The lines as text, `+` for what is new, `-` for what goes, `~` for what changes.
    public func render(indentation: Int, palette: Palette) -> String {
        let margin = String(repeating: " ", count: indentation)
        return lines.map { line in
            switch line.change {
            case .added(let value):
                margin + palette.paint("+ \(line.path): \(value)".shown, .good) + "\n"
            case .removed(let value):
                margin + palette.paint("- \(line.path): \(value)".shown, .bad) + "\n"
            case .changed(let from, let to):
                margin + palette.paint("~ \(line.path): \(from) → \(to)".shown, .caution) + "\n"
            }
        }.joined()
    }
}
