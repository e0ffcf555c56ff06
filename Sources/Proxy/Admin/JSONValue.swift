import Bytes
import Telemetry

/// JSON that is made to be written, with members in the order that they were given.
enum JSONValue {
    case object([(String, JSONValue)])
    case array([JSONValue])
    case string(String)
    case number(UInt64)
    case integer(Int64)
    case bool(Bool)
    /// Text that is JSON already.
    case raw(String)

    /// Appends the text, with an indentation of one space for each level, as Envoy writes it.
    func append(to text: inout Buffer, depth: Int = 0) {
        switch self {
        case .object(let members):
            text.append("{")
            for (index, (name, value)) in members.enumerated() {
                Self.appendBreak(to: &text, isFirst: index == 0, depth: depth + 1)
                text.append(jsonString: name)
                text.append(": ")
                value.append(to: &text, depth: depth + 1)
            }
            Self.appendEnd(to: &text, isEmpty: members.isEmpty, depth: depth)
            text.append("}")
        case .array(let elements):
            text.append("[")
            for (index, element) in elements.enumerated() {
                Self.appendBreak(to: &text, isFirst: index == 0, depth: depth + 1)
                element.append(to: &text, depth: depth + 1)
            }
            Self.appendEnd(to: &text, isEmpty: elements.isEmpty, depth: depth)
            text.append("]")
        case .string(let string): text.append(jsonString: string)
        case .number(let number): text.append(decimal: number)
        case .integer(let integer):
            if integer < 0 { text.append("-") }
            text.append(decimal: integer.magnitude)
        case .bool(let bool): text.append(bool ? "true" : "false")
        case .raw(let json): text.append(string: json)
        }
    }

    private static func appendBreak(to text: inout Buffer, isFirst: Bool, depth: Int) {
        if !isFirst { text.append(",") }
        text.append("\n")
        for _ in 0..<depth { text.append(" ") }
    }

    private static func appendEnd(to text: inout Buffer, isEmpty: Bool, depth: Int) {
        if isEmpty { return }
        text.append("\n")
        for _ in 0..<depth { text.append(" ") }
    }
}

extension JSONValue {
    /// A 64-bit number as protobuf's JSON has it: a string.
    static func longNumber(_ number: UInt64) -> JSONValue { .string(String(number)) }

    /// The JSON of a message with the type that it has inside of an `Any`.
    static func message(_ json: String, type: String) -> JSONValue {
        let marked = "{\"@type\":\"\(type)\""
        let rest = json.dropFirst()
        return .raw(rest == "}" ? marked + "}" : marked + "," + rest)
    }
}
