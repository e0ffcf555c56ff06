/// Where a function's body stands, counted in lines.
struct FunctionBody {
    /// The line of its `func`, `init`, `deinit` or `subscript`, from 1.
    let line: Int
    /// From that line to the closing brace.
    let lineCount: Int

    /// Every function with a body in `code`, whose comments and strings are blanked.
    static func all(in code: String) -> [FunctionBody] {
        let bytes = Array(code.utf8)
        var found: [FunctionBody] = []
        for keyword in code.matches(of: /\b(func|deinit|init|subscript)\b/) {
            let start = code.utf8.distance(from: code.startIndex, to: keyword.range.lowerBound)
            let after = code.utf8.distance(from: code.startIndex, to: keyword.range.upperBound)
            if start > 0, bytes[start - 1] == UInt8(ascii: ".") { continue }
            guard let open = opening(in: bytes, from: after),
                let close = closing(in: bytes, from: open)
            else { continue }
            found.append(
                FunctionBody(
                    line: 1 + newlines(in: bytes[..<start]),
                    lineCount: 1 + newlines(in: bytes[start...close])))
        }
        return found
    }

    /// The brace that opens the body; `nil` when the declaration ends without one.
    private static func opening(in code: [UInt8], from start: Int) -> Int? {
        var depth = 0
        var word: [UInt8] = []
        let enders = ["func", "var", "let", "init", "case", "static", "mutating", "associatedtype"]
        for index in start..<code.count {
            let byte = code[index]
            if isWord(byte) {
                word.append(byte)
                continue
            }
            if depth == 0, enders.contains(String(decoding: word, as: UTF8.self)) { return nil }
            word = []
            switch byte {
            case UInt8(ascii: "("), UInt8(ascii: "["): depth += 1
            case UInt8(ascii: ")"), UInt8(ascii: "]"): depth -= 1
            case UInt8(ascii: "{") where depth == 0: return index
            case UInt8(ascii: "}") where depth == 0: return nil
            default: break
            }
            if depth < 0 { return nil }
        }
        return nil
    }

    private static func closing(in code: [UInt8], from open: Int) -> Int? {
        var depth = 0
        for index in open..<code.count {
            if code[index] == UInt8(ascii: "{") { depth += 1 }
            if code[index] == UInt8(ascii: "}") { depth -= 1 }
            if depth == 0 { return index }
        }
        return nil
    }

    private static func isWord(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"): true
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"): true
        default: false
        }
    }

    private static func newlines(in bytes: ArraySlice<UInt8>) -> Int {
        bytes.count { $0 == UInt8(ascii: "\n") }
    }
}
