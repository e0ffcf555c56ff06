/// Pieces of a page; whatever comes from outside goes through ``escaped(_:)``.
enum HTML {
    static func escaped(_ text: String) -> String {
        var escaped = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": escaped += "&amp;"
            case "<": escaped += "&lt;"
            case ">": escaped += "&gt;"
            case "\"": escaped += "&quot;"
            case "'": escaped += "&#39;"
            default: escaped.unicodeScalars.append(scalar)
            }
        }
        return escaped
    }

    struct Table {
        private var rows: String

        init(_ titles: [String]) {
            rows = "<tr>" + titles.map { "<th>\(HTML.escaped($0))</th>" }.joined() + "</tr>\n"
        }

        mutating func add(_ cells: [String], isBad: Bool = false) {
            rows += isBad ? "<tr class=\"off\">" : "<tr>"
            rows += cells.map { "<td>\(HTML.escaped($0))</td>" }.joined() + "</tr>\n"
        }

        var text: String { "<table>\(rows)</table>\n" }
    }
}
