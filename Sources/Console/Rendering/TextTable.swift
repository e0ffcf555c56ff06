/// A table for people: a header line, one line a row, columns as wide as they must be.
public struct TextTable: Sendable {
    public struct Column: Sendable {
        public var title: String
        public var isRightAligned = false
        /// Whether the column is shown only with `-o wide`.
        public var isWideOnly = false

        public init(_ title: String, isRightAligned: Bool = false, isWideOnly: Bool = false) {
            self.title = title
            self.isRightAligned = isRightAligned
            self.isWideOnly = isWideOnly
        }
    }

    public struct Cell: Equatable, Sendable, ExpressibleByStringLiteral {
        public var text: String
        public var tone: Tone

        public init(_ text: String, _ tone: Tone = .plain) {
            self.text = text.shown
            self.tone = tone
        }

        public init(stringLiteral value: String) {
            self.init(value)
        }
    }

    private let columns: [Column]
    private var rows: [[Cell]] = []

    public init(columns: [Column]) {
        self.columns = columns
    }

    public var isEmpty: Bool { rows.isEmpty }

    /// Adds a row, one cell for every column, those included that are shown only when wide.
    public mutating func append(_ cells: [Cell]) {
        precondition(cells.count == columns.count, "a row has as many cells as there are columns")
        rows.append(cells)
    }

    /// The table as lines that end in newlines; nothing follows the last cell of a line.
    public func render(isWide: Bool, palette: Palette) -> String {
        let shown = columns.indices.filter { isWide || !columns[$0].isWideOnly }
        let widths = shown.map { column in
            rows.reduce(columns[column].title.count) { max($0, $1[column].text.count) }
        }
        var text = ""
        let header = columns.map { Cell($0.title, .faint) }
        for row in [header] + rows {
            var line = ""
            for (position, column) in shown.enumerated() {
                let cell = row[column]
                let isLast = position == shown.count - 1
                let padding = String(
                    repeating: " ", count: max(widths[position] - cell.text.count, 0))
                let painted = palette.paint(cell.text, cell.tone)
                if columns[column].isRightAligned {
                    line += padding + painted
                } else {
                    line += isLast ? painted : painted + padding
                }
                if !isLast { line += "   " }
            }
            while line.last == " " { line.removeLast() }
            text += line + "\n"
        }
        return text
    }
}
