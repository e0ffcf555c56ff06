import FoundationEssentials

/// Looks over JSON before it is decoded, for what the decoder takes in silence: names that stand
/// twice in an object, a comma behind the last element, nesting and numbers without bounds, texts
/// that are not in UTF-8 (RFC 8259 §8.1).
///
/// It judges nothing else; what is not JSON is left to the decoder.
struct DocumentShape {
    /// The deepest nesting of arrays and objects; a service needs six.
    static let nestingLimit = 32
    /// The longest number in characters.
    static let digitLimit = 100

    private struct Frame {
        let isObject: Bool
        /// As the decoder tells them apart: by what they mean, escaped or composed as they may be.
        var names: Set<String> = []
        /// The name of the member, in an object.
        var name = ""
        /// The place of the element, in an array.
        var index = 0
    }

    private let body: [UInt8]
    private var position = 0
    private var frames: [Frame] = []
    /// The last byte that was not a blank.
    private var previous: UInt8 = 0

    /// Finds what is wrong with a body; `nil` when there is nothing.
    static func fault(in body: [UInt8]) -> FieldError? {
        var shape = DocumentShape(body: body)
        return shape.fault()
    }

    private init(body: [UInt8]) {
        self.body = body
    }

    private mutating func fault() -> FieldError? {
        while position < body.count {
            let byte = body[position]
            switch byte {
            case UInt8(ascii: " "), UInt8(ascii: "\n"), UInt8(ascii: "\r"), UInt8(ascii: "\t"):
                position += 1
                continue
            case UInt8(ascii: "\""):
                if let fault = string() { return fault }
            case UInt8(ascii: "{"), UInt8(ascii: "["):
                if frames.count == Self.nestingLimit {
                    return FieldError(path: "", reason: "is nested deeper than \(frames.count)")
                }
                frames.append(Frame(isObject: byte == UInt8(ascii: "{")))
                position += 1
            case UInt8(ascii: "}"), UInt8(ascii: "]"):
                if previous == UInt8(ascii: ",") {
                    return FieldError(path: path, reason: "has a comma behind its last element")
                }
                _ = frames.popLast()
                position += 1
            case UInt8(ascii: ","):
                if !frames.isEmpty { frames[frames.count - 1].index += 1 }
                position += 1
            case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"):
                if let fault = number() { return fault }
            // No token is made of these; UTF-16 is, and the decoder would know it by them.
            case 0..<UInt8(ascii: " "), 0x7F...0xFF:
                return FieldError(path: path, reason: "is not JSON in UTF-8")
            default:
                position += 1
            }
            previous = byte
        }
        return nil
    }

    /// Passes over a string, and notes it when it is the name of a member.
    private mutating func string() -> FieldError? {
        let start = position + 1
        var end = start
        while end < body.count, body[end] != UInt8(ascii: "\"") {
            end += body[end] == UInt8(ascii: "\\") ? 2 : 1
        }
        position = min(end + 1, body.count)
        guard let frame = frames.last, frame.isObject, end < body.count,
            previous == UInt8(ascii: "{") || previous == UInt8(ascii: ",")
        else { return nil }
        let name = Self.unescaped(body[start..<end])
        frames[frames.count - 1].name = name
        if frames[frames.count - 1].names.insert(name).inserted { return nil }
        return FieldError(path: path, reason: "is there twice")
    }

    /// What stands between the quotes; as it is written where it is no string of JSON.
    private static func unescaped(_ text: ArraySlice<UInt8>) -> String {
        let quote = UInt8(ascii: "\"")
        let isEscaped = text.contains(UInt8(ascii: "\\"))
        let meaning =
            isEscaped
            ? try? JSONDecoder().decode(String.self, from: Data([quote] + text + [quote])) : nil
        return meaning ?? String(decoding: text, as: UTF8.self)
    }

    /// Passes over a number, which the decoder could not keep when it is too large or too fine.
    private mutating func number() -> FieldError? {
        let rest = body[position...]
        let text = rest.prefix { byte in
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "+"),
                UInt8(ascii: "."), UInt8(ascii: "e"), UInt8(ascii: "E"):
                true
            default: false
            }
        }
        position = text.endIndex
        let parts = text.split(maxSplits: 1) { $0 | 0x20 == UInt8(ascii: "e") }
        let exponent = parts.count > 1 ? Double(String(decoding: parts[1], as: UTF8.self)) : 0
        // What is no number at all is left to the decoder.
        let isKept = text.count <= Self.digitLimit && (-100...100).contains(exponent ?? 0)
        return isKept ? nil : FieldError(path: path, reason: "is a number that is out of bounds")
    }

    /// Where the element stands that is read now.
    private var path: String {
        var path = ""
        for frame in frames {
            if frame.isObject {
                path += path.isEmpty ? frame.name : "." + frame.name
            } else {
                path += "[\(frame.index)]"
            }
        }
        return path
    }
}
