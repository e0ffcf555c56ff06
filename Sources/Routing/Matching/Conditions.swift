import Bytes
import Mesh
import RegularExpressions

/// A path matcher, compiled.
struct PathTest: Sendable {
    enum Kind: Sendable { case prefix, exact, separatedPrefix, regex }

    var kind: Kind
    /// Lower case when ``ignoresCase``.
    var text = TextRange.empty
    var ignoresCase = false
    /// The number of the expression.
    var regex: Int32 = -1

    /// Whether a match of the first `length` bytes of `path` may end there.
    func canEnd(at length: Int, of path: Span<UInt8>) -> Bool {
        switch kind {
        case .separatedPrefix: path.count == length || path[length] == UInt8(ascii: "/")
        case .prefix, .exact, .regex: true
        }
    }
}

/// A condition on text, compiled.
struct TextTest: Sendable {
    enum Kind: Sendable { case exact, prefix, suffix, contains, regex, range, any, none }

    var kind: Kind
    /// Lower case when ``ignoresCase``.
    var text = TextRange.empty
    var ignoresCase = false
    /// The number of the expression.
    var regex: Int32 = -1
    /// For ``Kind/range``: the first number that holds, and the first one behind.
    var lower: Int64 = 0
    var upper: Int64 = 0
}

/// A condition on a field, compiled.
struct FieldTest: Sendable {
    enum Subject: Sendable { case field, method, authority, path, scheme, nothing }

    var subject: Subject
    var name: TextRange
    var test: TextTest
    var isInverted: Bool
    var treatsMissingAsEmpty: Bool
    /// For a condition of presence: whether the field must be there.
    var presence: Bool?
}

/// A condition on a query parameter, compiled.
struct QueryTest: Sendable {
    var name: TextRange
    var test: TextTest
    /// For a condition of presence: whether the parameter must be there.
    var presence: Bool?
}

/// The conditions of all routes of a table.
struct Conditions: Sendable {
    private(set) var fields: [FieldTest] = []
    private(set) var queries: [QueryTest] = []
    private var expressions: [RegularExpression] = []

    mutating func add(_ headers: [HeaderMatcher], text: inout Text) -> Range<Int32> {
        let start = Int32(clamping: fields.count)
        for header in headers { fields.append(compile(header, text: &text)) }
        return start..<Int32(clamping: fields.count)
    }

    mutating func add(_ parameters: [QueryParameterMatcher], text: inout Text) -> Range<Int32> {
        let start = Int32(clamping: queries.count)
        for parameter in parameters {
            let name = text.store(parameter.name)
            switch parameter.condition {
            case .string(let matcher):
                let test = compile(matcher, text: &text)
                queries.append(QueryTest(name: name, test: test, presence: nil))
            case .present(let presence):
                let test = TextTest(kind: .any)
                queries.append(QueryTest(name: name, test: test, presence: presence))
            }
        }
        return start..<Int32(clamping: queries.count)
    }

    mutating func add(_ match: RouteMatch, text: inout Text) -> PathTest {
        switch match.path {
        case .regex(let expression):
            return PathTest(kind: .regex, regex: add(expression))
        case .prefix(let path):
            return compile(path, .prefix, match, text: &text)
        case .exact(let path):
            return compile(path, .exact, match, text: &text)
        case .separatedPrefix(let path):
            return compile(path.text, .separatedPrefix, match, text: &text)
        }
    }

    /// Whether `path`, without its query, is as it must be.
    func isMet(_ test: PathTest, by path: Span<UInt8>, text: borrowing Text) -> Bool {
        let length = Int(test.text.count)
        switch test.kind {
        case .regex:
            return expressions.span[Int(test.regex)].matches(path)
        case .exact:
            if path.count != length { return false }
        case .prefix:
            if path.count < length { return false }
        case .separatedPrefix:
            if path.count < length || !test.canEnd(at: length, of: path) { return false }
        }
        let start = path.extracting(0..<length)
        return test.ignoresCase
            ? text[test.text].equalsIgnoringCase(start) : text[test.text].equals(start)
    }

    func isMet(_ test: TextTest, by value: Span<UInt8>, text: borrowing Text) -> Bool {
        let count = Int(test.text.count)
        switch test.kind {
        case .any: return true
        case .none: return false
        case .regex: return expressions.span[Int(test.regex)].matches(value)
        case .range:
            guard let number = value.decimal else { return false }
            return number >= test.lower && number < test.upper
        case .contains:
            return value.contains(text[test.text], ignoringCase: test.ignoresCase)
        case .exact:
            return value.count == count && isEqual(test, value, text: text)
        case .prefix:
            return value.count >= count
                && isEqual(test, value.extracting(0..<count), text: text)
        case .suffix:
            return value.count >= count
                && isEqual(test, value.extracting(value.count - count..<value.count), text: text)
        }
    }

    private func isEqual(_ test: TextTest, _ value: Span<UInt8>, text: borrowing Text) -> Bool {
        test.ignoresCase
            ? text[test.text].equalsIgnoringCase(value) : text[test.text].equals(value)
    }

    private mutating func add(_ expression: RegularExpression) -> Int32 {
        expressions.append(expression.independentCopy())
        return Int32(clamping: expressions.count - 1)
    }

    private mutating func compile(
        _ path: String, _ kind: PathTest.Kind, _ match: RouteMatch, text: inout Text
    ) -> PathTest {
        // A path without letters is the same in either case, and can be hashed.
        let ignoresCase = !match.isCaseSensitive && path.utf8.contains { $0.isASCIILetter }
        let stored = text.store(ignoresCase ? path.utf8.map(\.asciiLowercased) : Array(path.utf8))
        return PathTest(kind: kind, text: stored, ignoresCase: ignoresCase)
    }

    private mutating func compile(_ header: HeaderMatcher, text: inout Text) -> FieldTest {
        let test: TextTest
        var presence: Bool?
        switch header.condition {
        case .string(let matcher): test = compile(matcher, text: &text)
        case .range(let range):
            test = TextTest(kind: .range, lower: range.lowerBound, upper: range.upperBound)
        case .present(let isPresent):
            test = TextTest(kind: .any)
            presence = isPresent
        }
        let subject: FieldTest.Subject =
            switch header.name {
            case ":method": .method
            case ":authority", "host": .authority
            case ":path": .path
            case ":scheme": .scheme
            default: header.name.hasPrefix(":") ? .nothing : .field
            }
        return FieldTest(
            subject: subject, name: text.store(header.name), test: test,
            isInverted: header.isInverted, treatsMissingAsEmpty: header.treatsMissingAsEmpty,
            presence: presence)
    }

    mutating func compile(_ matcher: StringMatcher, text: inout Text) -> TextTest {
        let (kind, pattern): (TextTest.Kind, String)
        switch matcher.pattern {
        case .exact(let pattern_): (kind, pattern) = (.exact, pattern_)
        case .prefix(let pattern_): (kind, pattern) = (.prefix, pattern_)
        case .suffix(let pattern_): (kind, pattern) = (.suffix, pattern_)
        case .contains(let pattern_): (kind, pattern) = (.contains, pattern_)
        case .regex(let expression): return TextTest(kind: .regex, regex: add(expression))
        }
        let bytes = matcher.ignoresCase ? pattern.utf8.map(\.asciiLowercased) : Array(pattern.utf8)
        return TextTest(kind: kind, text: text.store(bytes), ignoresCase: matcher.ignoresCase)
    }
}

extension UInt8 {
    var isASCIILetter: Bool { (self | 0x20) &- 0x61 < 26 }
}

extension Span where Element == UInt8 {
    /// A decimal number with an optional sign; `nil` when the text is something else or too large.
    var decimal: Int64? {
        var position = 0
        var isNegative = false
        if count > 1, self[0] == UInt8(ascii: "-") || self[0] == UInt8(ascii: "+") {
            isNegative = self[0] == UInt8(ascii: "-")
            position = 1
        }
        // Nineteen digits are at most 9,999,999,999,999,999,999, which a UInt64 holds.
        if position == count || count - position > 19 { return nil }
        var magnitude: UInt64 = 0
        while position < count {
            guard self[position].isASCIIDigit else { return nil }
            magnitude = magnitude * 10 + UInt64(self[position] &- 0x30)
            position += 1
        }
        if isNegative {
            return magnitude > Int64.min.magnitude ? nil : Int64(truncatingIfNeeded: 0 &- magnitude)
        }
        return Int64(exactly: magnitude)
    }

    /// Whether `part`, in lower case if letters of either case count as the same, is in the bytes.
    func contains(_ part: Span<UInt8>, ignoringCase: Bool) -> Bool {
        if part.isEmpty { return true }
        var start = 0
        while start + part.count <= count {
            let candidate = extracting(start..<start + part.count)
            if ignoringCase ? part.equalsIgnoringCase(candidate) : part.equals(candidate) {
                return true
            }
            start += 1
        }
        return false
    }
}
