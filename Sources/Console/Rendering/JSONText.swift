extension JSONValue {
    /// The document as JSON text, members in the order of their names.
    public func encoded(pretty: Bool) -> String {
        var text = ""
        append(to: &text, margin: pretty ? "\n" : nil)
        return text
    }

    /// Here `margin` is a line break and the indentation of this level; `nil` for one line.
    private func append(to text: inout String, margin: String?) {
        let inner = margin.map { $0 + "  " }
        switch self {
        case .null, .bool, .integer, .number: text += plainText
        case .string(let value): Self.append(quoted: value, to: &text)
        case .array(let elements):
            text += "["
            for (position, element) in elements.enumerated() {
                if position > 0 { text += "," }
                text += inner ?? ""
                element.append(to: &text, margin: inner)
            }
            text += (elements.isEmpty ? "" : margin ?? "") + "]"
        case .object(let object):
            text += "{"
            for (position, member) in members.enumerated() {
                if position > 0 { text += "," }
                text += inner ?? ""
                Self.append(quoted: member.name, to: &text)
                text += margin == nil ? ":" : ": "
                member.value.append(to: &text, margin: inner)
            }
            text += (object.isEmpty ? "" : margin ?? "") + "}"
        }
    }

    /// A string as RFC 8259 §7 has it; only what must be escaped is.
    private static func append(quoted value: String, to text: inout String) {
        text += "\""
        for scalar in value.unicodeScalars {
            switch scalar {
            case "\"": text += "\\\""
            case "\\": text += "\\\\"
            case "\n": text += "\\n"
            case "\t": text += "\\t"
            case "\r": text += "\\r"
            case "\u{0}"..<" ":
                let digits = String(scalar.value, radix: 16)
                text += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: text.unicodeScalars.append(scalar)
            }
        }
        text += "\""
    }
}
