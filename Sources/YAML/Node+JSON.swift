extension Node {
    /// This tree as one line of JSON.
    ///
    /// What JSON has no number for (`.nan`, `.inf`) becomes the string that the JSON form of
    /// protobuf uses.
    public var json: String {
        var text = ""
        appendJSON(to: &text)
        return text
    }

    private func appendJSON(to text: inout String) {
        switch content {
        case .scalar(let scalar): scalar.value.appendJSON(to: &text)
        case .sequence(let elements):
            text.append("[")
            for (index, element) in elements.enumerated() {
                if index > 0 { text.append(",") }
                element.appendJSON(to: &text)
            }
            text.append("]")
        case .mapping(let entries):
            text.append("{")
            for (index, entry) in entries.enumerated() {
                if index > 0 { text.append(",") }
                text.appendQuoted(entry.key)
                text.append(":")
                entry.value.appendJSON(to: &text)
            }
            text.append("}")
        }
    }
}

extension Scalar.Value {
    fileprivate func appendJSON(to text: inout String) {
        switch self {
        case .null: text.append("null")
        case .bool(let value): text.append(value ? "true" : "false")
        case .integer(let value): text.append(String(value))
        case .number(let value) where value.isNaN: text.append("\"NaN\"")
        case .number(let value) where value.isInfinite:
            text.append(value < 0 ? "\"-Infinity\"" : "\"Infinity\"")
        case .number(let value): text.append(value.description)
        case .string(let value): text.appendQuoted(value)
        }
    }
}

extension String {
    /// Appends a JSON string, which a double-quoted scalar of YAML reads in the same way.
    mutating func appendQuoted(_ value: String) {
        append("\"")
        for scalar in value.unicodeScalars {
            switch scalar {
            case "\"": append("\\\"")
            case "\\": append("\\\\")
            case "\n": append("\\n")
            case "\r": append("\\r")
            case "\t": append("\\t")
            case "\u{0}"..<" ", "\u{7F}"..."\u{9F}", "\u{2028}", "\u{2029}", "\u{FEFF}":
                let hex = String(scalar.value, radix: 16)
                append("\\u" + String(repeating: "0", count: 4 - hex.count) + hex)
            default: unicodeScalars.append(scalar)
            }
        }
        append("\"")
    }
}
