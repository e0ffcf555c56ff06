extension Node {
    /// This tree as a YAML text in block style that ends with a line feed.
    ///
    /// A string that would read as something else is quoted, so that the text reads back as the
    /// same tree.
    public var yaml: String {
        var text = ""
        switch content {
        case .scalar, .sequence([]), .mapping([]):
            appendInline(to: &text)
            text.append("\n")
        case .sequence, .mapping: appendBlock(to: &text, indentation: 0)
        }
        return text
    }

    private func appendBlock(to text: inout String, indentation: Int) {
        let margin = String(repeating: " ", count: indentation)
        switch content {
        case .scalar: appendInline(to: &text)
        case .sequence(let elements):
            for element in elements {
                text.append(margin + "-")
                element.appendElement(to: &text, indentation: indentation)
            }
        case .mapping(let entries):
            for entry in entries {
                text.append(margin)
                text.appendScalar(entry.key)
                text.append(":")
                entry.value.appendValue(to: &text, indentation: indentation)
            }
        }
    }

    /// After `key:`, a sequence stands no deeper than its key.
    private func appendValue(to text: inout String, indentation: Int) {
        switch content {
        case .scalar, .sequence([]), .mapping([]):
            text.append(" ")
            appendInline(to: &text)
            text.append("\n")
        case .sequence:
            text.append("\n")
            appendBlock(to: &text, indentation: indentation)
        case .mapping:
            text.append("\n")
            appendBlock(to: &text, indentation: indentation + 2)
        }
    }

    /// After `-`, a block begins on the same line.
    private func appendElement(to text: inout String, indentation: Int) {
        switch content {
        case .scalar, .sequence([]), .mapping([]):
            text.append(" ")
            appendInline(to: &text)
            text.append("\n")
        case .sequence, .mapping:
            var block = ""
            appendBlock(to: &block, indentation: indentation + 2)
            text.append(" ")
            text.append(contentsOf: block.dropFirst(indentation + 2))
        }
    }

    private func appendInline(to text: inout String) {
        switch content {
        case .scalar(let scalar):
            if case .string(let value) = scalar.value {
                text.appendScalar(value)
            } else {
                text.append(scalar.text.isEmpty ? "null" : scalar.text)
            }
        case .sequence: text.append("[]")
        case .mapping: text.append("{}")
        }
    }
}

extension String {
    fileprivate mutating func appendScalar(_ value: String) {
        if value.standsPlain {
            append(value)
        } else {
            appendQuoted(value)
        }
    }

    /// Whether the string is read back as itself without quotes; narrower than YAML would allow.
    private var standsPlain: Bool {
        guard let first = utf8.first, let last = utf8.last, last != UInt8(ascii: " ") else {
            return false
        }
        guard isWord(first) || first == UInt8(ascii: "/") else { return false }
        guard utf8.allSatisfy({ isWord($0) || plainPunctuation.contains($0) }) else {
            return false
        }
        guard case .string = Scalar(text: self, isPlain: true).value else { return false }
        return !keptFromOlderParsers.contains(self)
    }
}

private func isWord(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"):
        true
    default: false
    }
}

private let plainPunctuation = Set(" ./-+()".utf8)

/// Strings by YAML 1.2 that a reader of YAML 1.1 takes for truth values.
private let keptFromOlderParsers: Set<String> = [
    "y", "Y", "yes", "Yes", "YES", "n", "N", "no", "No", "NO",
    "on", "On", "ON", "off", "Off", "OFF",
]
