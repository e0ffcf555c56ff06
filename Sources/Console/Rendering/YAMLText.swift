/// Writes a JSON document as YAML in block style, members in the order of their names.
public enum YAMLText {
    public static func render(_ value: JSONValue) -> String {
        if let scalar = inline(value) { return scalar + "\n" }
        var text = ""
        append(value, indentation: 0, to: &text)
        return text
    }

    private static func append(_ value: JSONValue, indentation: Int, to text: inout String) {
        let margin = String(repeating: " ", count: indentation)
        for member in value.members {
            append(
                member.value, label: margin + quotedIfNeeded(member.name) + ":",
                indentation: indentation + 2, to: &text)
        }
        for element in value.elements {
            if inline(element) != nil {
                append(element, label: margin + "-", indentation: indentation + 2, to: &text)
                continue
            }
            var nested = ""
            append(element, indentation: indentation + 2, to: &nested)
            text += margin + "- " + nested.dropFirst(indentation + 2)
        }
    }

    private static func append(
        _ value: JSONValue, label: String, indentation: Int, to text: inout String
    ) {
        if let scalar = inline(value) {
            text += label + " " + scalar + "\n"
        } else {
            text += label + "\n"
            append(value, indentation: indentation, to: &text)
        }
    }

    /// The value on one line; `nil` when it needs a block.
    private static func inline(_ value: JSONValue) -> String? {
        switch value {
        case .object(let members): members.isEmpty ? "{}" : nil
        case .array(let elements): elements.isEmpty ? "[]" : nil
        case .string(let text): quotedIfNeeded(text)
        case .null, .bool, .integer, .number: value.plainText
        }
    }

    /// `text` bare where YAML reads the same string back, else as a JSON string, which YAML is.
    private static func quotedIfNeeded(_ text: String) -> String {
        isPlain(text) ? text : JSONValue.string(text).encoded(pretty: false)
    }

    private static func isPlain(_ text: String) -> Bool {
        guard let first = text.utf8.first, isLetter(first) || first == UInt8(ascii: "/") else {
            return false
        }
        let isWordly = text.utf8.allSatisfy { byte in
            isLetter(byte) || (0x30...0x39).contains(byte)
                || [0x2D, 0x2E, 0x2F, 0x5F].contains(byte)
        }
        let reserved: Set = ["true", "false", "null", "yes", "no", "on", "off", "y", "n"]
        return isWordly && !reserved.contains(text.lowercased())
    }

    private static func isLetter(_ byte: UInt8) -> Bool {
        (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
    }
}
