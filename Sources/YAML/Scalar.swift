/// A scalar as it was written; `value` says what it means.
public struct Scalar: Sendable, Equatable {
    public enum Value: Sendable, Equatable {
        case null
        case bool(Bool)
        case integer(Int64)
        /// Any other number, including whole ones beyond 64 bits.
        case number(Double)
        case string(String)
    }

    public var text: String
    /// Whether it stood without quotes, so that the schema decides on its type.
    public var isPlain: Bool

    public init(text: String, isPlain: Bool) {
        self.text = text
        self.isPlain = isPlain
    }

    public init(_ number: Double) {
        text =
            if number.isNaN { ".nan" } else if number.isInfinite {
                number < 0 ? "-.inf" : ".inf"
            } else { number.description }
        isPlain = true
    }

    /// Whether both mean the same, however they were written.
    public static func == (left: Scalar, right: Scalar) -> Bool {
        left.value == right.value
    }

    /// What the core schema of YAML 1.2 makes of it (YAML 1.2.2 §10.3.2).
    ///
    /// `yes`, `no`, `on` and `off` are strings, and so is everything in quotes.
    public var value: Value {
        guard isPlain else { return .string(text) }
        switch text {
        case "", "~", "null", "Null", "NULL": return .null
        case "true", "True", "TRUE": return .bool(true)
        case "false", "False", "FALSE": return .bool(false)
        case ".nan", ".NaN", ".NAN": return .number(.nan)
        case ".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF": return .number(.infinity)
        case "-.inf", "-.Inf", "-.INF": return .number(-.infinity)
        default: return number ?? .string(text)
        }
    }

    private var number: Value? {
        if text.hasPrefix("0o") { return Self.unsigned(text.dropFirst(2), radix: 8) }
        if text.hasPrefix("0x") { return Self.unsigned(text.dropFirst(2), radix: 16) }
        guard isDecimal else { return nil }
        if let integer = Int64(text) { return .integer(integer) }
        return Double(text).map { .number($0) }
    }

    private static func unsigned(_ digits: Substring, radix: Int) -> Value? {
        guard digits.utf8.allSatisfy({ hexDigits.contains($0) }) else { return nil }
        return Int64(digits, radix: radix).map { .integer($0) }
    }

    /// Reads `[-+]? ( \. [0-9]+ | [0-9]+ ( \. [0-9]* )? ) ( [eE] [-+]? [0-9]+ )?`.
    private var isDecimal: Bool {
        var rest = text.utf8[...]
        func dropSign() {
            if let first = rest.first, first == UInt8(ascii: "-") || first == UInt8(ascii: "+") {
                rest = rest.dropFirst()
            }
        }
        func dropDigits() -> Int {
            let digits = rest.prefix { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
            rest = rest.dropFirst(digits.count)
            return digits.count
        }
        dropSign()
        var digitCount = dropDigits()
        if rest.first == UInt8(ascii: ".") {
            rest = rest.dropFirst()
            digitCount += dropDigits()
        }
        guard digitCount > 0 else { return false }
        if rest.first == UInt8(ascii: "e") || rest.first == UInt8(ascii: "E") {
            rest = rest.dropFirst()
            dropSign()
            guard dropDigits() > 0 else { return false }
        }
        return rest.isEmpty
    }
}

private let hexDigits = Set("0123456789abcdefABCDEF".utf8)
