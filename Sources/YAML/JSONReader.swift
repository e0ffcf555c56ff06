/// Reads JSON (RFC 8259 §2), which libyaml takes for the most part, but not pairs of surrogates.
struct JSONReader {
    private enum Failure: Error {
        /// Not JSON; it may still be YAML in flow style.
        case syntax
        case document(DocumentError)
    }

    private let bytes: [UInt8]
    private let limits: Document.Limits
    private var index = 0
    private var position = Position(line: 1, column: 1)
    private var nodeCount = 0

    private init(_ bytes: [UInt8], _ limits: Document.Limits) {
        self.bytes = bytes
        self.limits = limits
    }

    /// Reads a text that may be JSON.
    ///
    /// - Returns: `nil` when it is none.
    /// - Throws: ``DocumentError`` when it is JSON beyond the limits or with a key that stands
    ///   twice.
    static func root(of bytes: [UInt8], limits: Document.Limits) throws(DocumentError) -> Node? {
        let first = bytes.first { !isSpace($0) }
        guard first == UInt8(ascii: "{") || first == UInt8(ascii: "[") else { return nil }
        var reader = JSONReader(bytes, limits)
        do throws(Failure) {
            reader.skipSpace()
            let root = try reader.value(depth: 1)
            reader.skipSpace()
            return reader.index == bytes.count ? root : nil
        } catch {
            switch error {
            case .syntax: return nil
            case .document(let error): throw error
            }
        }
    }

    private mutating func value(depth: Int) throws(Failure) -> Node {
        let start = position
        guard depth <= limits.depth else {
            throw .document(.nestedTooDeep(limit: limits.depth, at: start))
        }
        nodeCount += 1
        guard nodeCount <= limits.nodeCount else {
            throw .document(.tooManyNodes(limit: limits.nodeCount, at: start))
        }
        var node: Node
        switch peek {
        case UInt8(ascii: "{"): node = .mapping(try entries(depth: depth))
        case UInt8(ascii: "["): node = .sequence(try elements(depth: depth))
        case UInt8(ascii: "\""): node = .string(try string())
        default: node = Node(.scalar(Scalar(text: try word(), isPlain: true)))
        }
        node.position = start
        return node
    }

    private mutating func entries(depth: Int) throws(Failure) -> [Node.Entry] {
        var entries: [Node.Entry] = []
        var keys: Set<String> = []
        advance()
        skipSpace()
        if take(UInt8(ascii: "}")) { return entries }
        repeat {
            skipSpace()
            let start = position
            let key = try string()
            guard keys.insert(key).inserted else {
                throw .document(.duplicateKey(key, at: start))
            }
            skipSpace()
            guard take(UInt8(ascii: ":")) else { throw .syntax }
            skipSpace()
            entries.append(Node.Entry(key, try value(depth: depth + 1), keyPosition: start))
            skipSpace()
        } while take(UInt8(ascii: ","))
        guard take(UInt8(ascii: "}")) else { throw .syntax }
        return entries
    }

    private mutating func elements(depth: Int) throws(Failure) -> [Node] {
        var elements: [Node] = []
        advance()
        skipSpace()
        if take(UInt8(ascii: "]")) { return elements }
        repeat {
            skipSpace()
            elements.append(try value(depth: depth + 1))
            skipSpace()
        } while take(UInt8(ascii: ","))
        guard take(UInt8(ascii: "]")) else { throw .syntax }
        return elements
    }

    /// A number or a literal; what else it might be in YAML is for the other reader.
    private mutating func word() throws(Failure) -> String {
        let start = index
        while let byte = peek, isWordByte(byte) { advance() }
        let text = String(decoding: bytes[start..<index], as: UTF8.self)
        switch Scalar(text: text, isPlain: true).value {
        case .null where text == "null": return text
        case .bool where text == "true" || text == "false": return text
        case .integer, .number: return text
        case .null, .bool, .string: throw .syntax
        }
    }

    private mutating func string() throws(Failure) -> String {
        guard take(UInt8(ascii: "\"")) else { throw .syntax }
        var text: [UInt8] = []
        while let byte = peek, byte != UInt8(ascii: "\"") {
            guard byte >= 0x20 else { throw .syntax }
            advance()
            if byte == UInt8(ascii: "\\") {
                text += Array(String(try escaped()).utf8)
            } else {
                text.append(byte)
            }
        }
        guard take(UInt8(ascii: "\"")), let string = String(validating: text, as: UTF8.self) else {
            throw .syntax
        }
        return string
    }

    private mutating func escaped() throws(Failure) -> Unicode.Scalar {
        guard let byte = peek else { throw .syntax }
        advance()
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return Unicode.Scalar(byte)
        case UInt8(ascii: "b"): return "\u{8}"
        case UInt8(ascii: "f"): return "\u{C}"
        case UInt8(ascii: "n"): return "\n"
        case UInt8(ascii: "r"): return "\r"
        case UInt8(ascii: "t"): return "\t"
        case UInt8(ascii: "u"): break
        default: throw .syntax
        }
        let first = try codeUnit()
        if let scalar = Unicode.Scalar(first) { return scalar }
        guard 0xD800..<0xDC00 ~= first, take(UInt8(ascii: "\\")), take(UInt8(ascii: "u")) else {
            throw .syntax
        }
        let second = try codeUnit()
        guard 0xDC00..<0xE000 ~= second,
            let scalar = Unicode.Scalar(
                0x10000 + (UInt32(first) - 0xD800) << 10 + (UInt32(second) - 0xDC00))
        else { throw .syntax }
        return scalar
    }

    private mutating func codeUnit() throws(Failure) -> UInt16 {
        guard index + 4 <= bytes.count else { throw .syntax }
        let digits = String(decoding: bytes[index..<index + 4], as: UTF8.self)
        guard !digits.hasPrefix("+"), !digits.hasPrefix("-"),
            let unit = UInt16(digits, radix: 16)
        else { throw .syntax }
        for _ in 0..<4 { advance() }
        return unit
    }

    private var peek: UInt8? {
        index < bytes.count ? bytes[index] : nil
    }

    private mutating func take(_ byte: UInt8) -> Bool {
        guard peek == byte else { return false }
        advance()
        return true
    }

    private mutating func skipSpace() {
        while let byte = peek, Self.isSpace(byte) { advance() }
    }

    private mutating func advance() {
        let byte = bytes[index]
        index += 1
        if byte == UInt8(ascii: "\n") {
            position = Position(line: position.line + 1, column: 1)
        } else if byte & 0xC0 != 0x80 {
            // All bytes of a character but its first are continuations in UTF-8.
            position.column += 1
        }
    }

    private static func isSpace(_ byte: UInt8) -> Bool {
        byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D
    }

    private func isWordByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "+"),
            UInt8(ascii: "."):
            true
        default: false
        }
    }
}
