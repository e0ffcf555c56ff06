/// Why a configuration cannot be used: where the wrong field stands, and what is wrong with it.
///
/// It is read by authors of configurations, so the reason is a sentence.
public struct MeshError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The field in xDS names, relative to the value that was being made; empty for the value
    /// itself.
    public let path: String
    public let reason: String

    public init(_ path: String, _ reason: String) {
        self.path = path
        self.reason = reason
    }

    public var description: String { path.isEmpty ? reason : "\(path): \(reason)" }

    /// The same error seen from the value that holds the wrong one in its field `component`.
    public func inside(_ component: String) -> MeshError {
        if component.isEmpty { return self }
        if path.isEmpty { return MeshError(component, reason) }
        return MeshError(path.hasPrefix("[") ? component + path : component + "." + path, reason)
    }

    /// Does `make`, and puts `component` before the path of what it throws.
    public static func at<Value>(
        _ component: @autoclosure () -> String, _ make: () throws(MeshError) -> Value
    ) throws(MeshError) -> Value {
        do {
            return try make()
        } catch {
            throw error.inside(component())
        }
    }
}

/// Throws when `text` is empty.
func require(nonEmpty text: String, _ path: String) throws(MeshError) {
    if text.isEmpty { throw MeshError(path, "must not be empty") }
}

/// Throws when `duration` is negative, or zero where that makes no sense.
func require(
    positive duration: Duration?, orZero isZeroAllowed: Bool = false, _ path: String
) throws(MeshError) {
    guard let duration else { return }
    if duration < .zero { throw MeshError(path, "must not be negative") }
    if duration == .zero, !isZeroAllowed { throw MeshError(path, "must be more than zero") }
}

/// Throws when `text` could break a header block (RFC 9110 §5.5).
func require(fieldValue text: String, _ path: String) throws(MeshError) {
    for byte in text.utf8 where byte < 0x20 && byte != 0x09 || byte == 0x7F {
        throw MeshError(path, "contains a control character")
    }
}

/// Throws when `name` is not a field name (RFC 9110 §5.1).
func require(fieldName name: String, _ path: String) throws(MeshError) {
    try require(nonEmpty: name, path)
    for byte in name.utf8 where !byte.isTokenCharacter {
        throw MeshError(path, "\"\(name)\" is not a field name")
    }
}

extension UInt8 {
    /// Whether the byte is a `tchar` (RFC 9110 §5.6.2).
    var isTokenCharacter: Bool {
        switch self {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        case UInt8(ascii: "!"), UInt8(ascii: "#"), UInt8(ascii: "$"), UInt8(ascii: "%"),
            UInt8(ascii: "&"), UInt8(ascii: "'"), UInt8(ascii: "*"), UInt8(ascii: "+"),
            UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "^"), UInt8(ascii: "_"),
            UInt8(ascii: "`"), UInt8(ascii: "|"), UInt8(ascii: "~"):
            true
        default: false
        }
    }
}

extension String {
    /// The text with ASCII letters in lower case; other characters stay as they are.
    var asciiLowercased: String {
        String(decoding: utf8.map { $0 &- 0x41 < 26 ? $0 | 0x20 : $0 }, as: UTF8.self)
    }
}
