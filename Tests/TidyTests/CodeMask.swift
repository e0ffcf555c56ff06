/// Blanks comments and string literals, so that rules about code do not trip over prose.
struct CodeMask {
    private let input: [UInt8]
    private var output: [UInt8]
    private var position = 0

    /// - Returns: `text` with the same newlines, and spaces for all that is not code.
    static func apply(to text: String) -> String {
        var mask = CodeMask(text)
        mask.code(untilParenthesis: false)
        return String(decoding: mask.output, as: UTF8.self)
    }

    private init(_ text: String) {
        input = Array(text.utf8)
        output = input
    }

    private func at(_ offset: Int = 0) -> UInt8 {
        let index = position + offset
        return index < input.count ? input[index] : 0
    }

    private func starts(with text: StaticString) -> Bool {
        let bytes = Array(text.description.utf8)
        return input[position...].starts(with: bytes)
    }

    private mutating func blank(_ count: Int = 1) {
        for _ in 0..<count where position < input.count {
            if input[position] != UInt8(ascii: "\n") { output[position] = UInt8(ascii: " ") }
            position += 1
        }
    }

    /// Walks over code; inside an interpolation it stops at the parenthesis that ends it.
    private mutating func code(untilParenthesis nested: Bool) {
        var depth = 0
        while position < input.count {
            if starts(with: "//") {
                while position < input.count, at() != UInt8(ascii: "\n") { blank() }
            } else if starts(with: "/*") {
                comment()
            } else if at() == UInt8(ascii: "\"") || isRawString {
                string()
            } else {
                if at() == UInt8(ascii: "(") { depth += 1 }
                if at() == UInt8(ascii: ")") { depth -= 1 }
                if nested, depth < 0 { return }
                if nested { blank() } else { position += 1 }
            }
        }
    }

    private var isRawString: Bool {
        guard at() == UInt8(ascii: "#") else { return false }
        var offset = 1
        while at(offset) == UInt8(ascii: "#") { offset += 1 }
        return at(offset) == UInt8(ascii: "\"")
    }

    private mutating func comment() {
        var depth = 0
        repeat {
            if starts(with: "/*") {
                depth += 1
                blank(2)
            } else if starts(with: "*/") {
                depth -= 1
                blank(2)
            } else {
                blank()
            }
        } while depth > 0 && position < input.count
    }

    private mutating func string() {
        var hashes = 0
        while at() == UInt8(ascii: "#") {
            hashes += 1
            blank()
        }
        let quotes = starts(with: "\"\"\"") ? 3 : 1
        blank(quotes)
        while position < input.count {
            if at() == UInt8(ascii: "\\"), hashesFollow(1, hashes) {
                blank(1 + hashes)
                if at() == UInt8(ascii: "(") {
                    blank()
                    code(untilParenthesis: true)
                }
                blank()
            } else if at() == UInt8(ascii: "\""), closes(quotes, hashes) {
                blank(quotes + hashes)
                return
            } else {
                blank()
            }
        }
    }

    private func hashesFollow(_ offset: Int, _ count: Int) -> Bool {
        (0..<count).allSatisfy { at(offset + $0) == UInt8(ascii: "#") }
    }

    private func closes(_ quotes: Int, _ hashes: Int) -> Bool {
        (0..<quotes).allSatisfy { at($0) == UInt8(ascii: "\"") } && hashesFollow(quotes, hashes)
    }
}
