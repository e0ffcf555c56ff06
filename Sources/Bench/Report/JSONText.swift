import Bytes
import Telemetry

/// Writes JSON in the order in which things are said, so that keys stand as readers know them.
struct JSONText: ~Copyable {
    private var buffer = Buffer()
    private var depth = 0
    private var isFirst = true

    var text: String { String(buffer.bytes) + "\n" }

    mutating func object(_ key: String? = nil, _ body: (inout JSONText) -> Void) {
        nest(key, "{", "}", body)
    }

    mutating func array(_ key: String? = nil, _ body: (inout JSONText) -> Void) {
        nest(key, "[", "]", body)
    }

    mutating func member(_ key: String, _ value: String) {
        begin(key)
        buffer.append(jsonString: value)
    }

    mutating func member(_ key: String, _ value: UInt64) {
        begin(key)
        buffer.append(decimal: value)
    }

    mutating func member(_ key: String, _ value: Bool) {
        begin(key)
        buffer.append(string: value ? "true" : "false")
    }

    /// A number; what is not finite becomes `null`, since JSON has no word for it.
    mutating func member(_ key: String, _ value: Double) {
        begin(key)
        buffer.append(string: value.isFinite ? Decimal.shortest(value) : "null")
    }

    mutating func element(_ value: String) {
        begin(nil)
        buffer.append(jsonString: value)
    }

    private mutating func nest(
        _ key: String?, _ opening: String, _ closing: String, _ body: (inout JSONText) -> Void
    ) {
        begin(key)
        buffer.append(string: opening)
        depth += 1
        isFirst = true
        body(&self)
        depth -= 1
        if !isFirst { breakLine() }
        buffer.append(string: closing)
        isFirst = false
    }

    private mutating func begin(_ key: String?) {
        if depth > 0 {
            if !isFirst { buffer.append(",") }
            breakLine()
        }
        isFirst = false
        if let key {
            buffer.append(jsonString: key)
            buffer.append(": ")
        }
    }

    private mutating func breakLine() {
        buffer.append("\n")
        for _ in 0..<depth { buffer.append("  ") }
    }
}
