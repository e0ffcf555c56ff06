public import RegularExpressions

/// What a request must be like: `envoy.config.route.v3.RouteMatch`; all conditions must hold.
///
/// `runtime_fraction`, `tls_context`, `dynamic_metadata` and `filter_state` are not supported.
public struct RouteMatch: Equatable, Sendable {
    public let path: PathMatcher
    /// Whether the path is compared letter case and all; expressions do as they say themselves.
    public let isCaseSensitive: Bool
    public let headers: [HeaderMatcher]
    public let queryParameters: [QueryParameterMatcher]
    /// Whether only gRPC requests match: `content-type: application/grpc` or `application/grpc+…`.
    public let isGRPC: Bool

    public init(
        path: PathMatcher,
        isCaseSensitive: Bool = true,
        headers: [HeaderMatcher] = [],
        queryParameters: [QueryParameterMatcher] = [],
        isGRPC: Bool = false
    ) {
        self.path = path
        self.isCaseSensitive = isCaseSensitive
        self.headers = headers
        self.queryParameters = queryParameters
        self.isGRPC = isGRPC
    }
}

/// What the path of a request must be like, without its query and fragment.
public enum PathMatcher: Equatable, Sendable {
    /// The path begins with the text; empty matches all.
    case prefix(String)
    /// The path is the text.
    case exact(String)
    /// The path is the text, or begins with it and goes on with `/`; made by
    /// ``separatedPrefix(parsing:)``.
    case separatedPrefix(SeparatedPrefix)
    /// The whole path matches.
    case regex(RegularExpression)

    /// Reads `path_separated_prefix`.
    ///
    /// - Throws: ``MeshError`` when the text does not begin with `/`, ends with one, or holds `?`
    ///   or `#`.
    public static func separatedPrefix(parsing text: String) throws(MeshError) -> PathMatcher {
        .separatedPrefix(try SeparatedPrefix(parsing: text))
    }

    /// Reads `safe_regex`.
    ///
    /// - Throws: ``MeshError`` when RE2 does not take the pattern.
    public static func regex(parsing pattern: String) throws(MeshError) -> PathMatcher {
        .regex(try RegularExpression(checking: pattern, "safe_regex"))
    }
}

/// A path made of whole segments, without a `/` at its end.
public struct SeparatedPrefix: Equatable, Sendable {
    public let text: String

    /// Reads `path_separated_prefix`.
    ///
    /// - Throws: ``MeshError`` when the text does not begin with `/`, ends with one, or holds `?`
    ///   or `#`.
    public init(parsing text: String) throws(MeshError) {
        let path = "path_separated_prefix"
        if !text.hasPrefix("/") { throw MeshError(path, "must begin with /") }
        if text.hasSuffix("/") { throw MeshError(path, "must not end with /") }
        if text.contains("?") || text.contains("#") {
            throw MeshError(path, "must not contain ? or #")
        }
        self.text = text
    }
}

/// A condition on one field, or on `:method`, `:authority`, `:path`, `:scheme`:
/// `envoy.config.route.v3.HeaderMatcher`.
///
/// Values of fields of the same name are joined by `,` before they are looked at.
public struct HeaderMatcher: Equatable, Sendable {
    public enum Condition: Equatable, Sendable {
        case string(StringMatcher)
        /// A decimal number, with an optional sign, in the range.
        case range(Range<Int64>)
        /// The field is there; or it is not there, if false.
        case present(Bool)
    }

    /// In lower case.
    public let name: String
    public let condition: Condition
    public let isInverted: Bool
    /// Whether a missing field counts as an empty one; else a string or range never holds for it,
    /// inverted or not.
    public let treatsMissingAsEmpty: Bool

    /// Makes a condition.
    ///
    /// - Throws: ``MeshError`` when the name is not a field name.
    public init(
        name: String,
        _ condition: Condition,
        isInverted: Bool = false,
        treatsMissingAsEmpty: Bool = false
    ) throws(MeshError) {
        let isPseudo = name.hasPrefix(":")
        try require(fieldName: isPseudo ? String(name.dropFirst()) : name, "name")
        self.name = name.asciiLowercased
        self.condition = condition
        self.isInverted = isInverted
        self.treatsMissingAsEmpty = treatsMissingAsEmpty
    }
}

/// A condition on the first query parameter of a name:
/// `envoy.config.route.v3.QueryParameterMatcher`.
public struct QueryParameterMatcher: Equatable, Sendable {
    public enum Condition: Equatable, Sendable {
        case string(StringMatcher)
        /// The parameter is there; or it is not there, if false.
        case present(Bool)
    }

    /// As it stands in the query: nothing is decoded.
    public let name: String
    public let condition: Condition

    /// Makes a condition.
    ///
    /// - Throws: ``MeshError`` when the name is empty or longer than 1024 bytes.
    public init(name: String, _ condition: Condition = .present(true)) throws(MeshError) {
        try require(nonEmpty: name, "name")
        if name.utf8.count > 1024 { throw MeshError("name", "is longer than 1024 bytes") }
        self.name = name
        self.condition = condition
    }
}

/// A condition on text: `envoy.type.matcher.v3.StringMatcher`.
public struct StringMatcher: Equatable, Sendable {
    public enum Pattern: Equatable, Sendable {
        case exact(String)
        case prefix(String)
        case suffix(String)
        case contains(String)
        /// The whole text matches.
        case regex(RegularExpression)
    }

    public let pattern: Pattern
    /// Whether ASCII letters of either case count as the same; expressions do as they say
    /// themselves.
    public let ignoresCase: Bool

    /// Makes a condition.
    ///
    /// - Throws: ``MeshError`` when a prefix, suffix or part is empty.
    public init(_ pattern: Pattern, ignoresCase: Bool = false) throws(MeshError) {
        switch pattern {
        case .prefix(let text): try require(nonEmpty: text, "prefix")
        case .suffix(let text): try require(nonEmpty: text, "suffix")
        case .contains(let text): try require(nonEmpty: text, "contains")
        case .exact, .regex: break
        }
        self.pattern = pattern
        self.ignoresCase = ignoresCase
    }

    /// Makes a condition that text matches a regular expression as a whole.
    ///
    /// - Throws: ``MeshError`` when RE2 does not take the pattern.
    public init(regex pattern: String) throws(MeshError) {
        self.pattern = .regex(try RegularExpression(checking: pattern, "safe_regex"))
        ignoresCase = false
    }

    /// Whether `text` fulfils it; for names in certificates, not for requests.
    public func matches(_ text: String) -> Bool {
        let text = ignoresCase ? text.asciiLowercased : text
        func folded(_ wanted: String) -> String { ignoresCase ? wanted.asciiLowercased : wanted }
        return switch pattern {
        case .exact(let wanted): text == folded(wanted)
        case .prefix(let wanted): text.hasPrefix(folded(wanted))
        case .suffix(let wanted): text.hasSuffix(folded(wanted))
        case .contains(let wanted): text.contains(folded(wanted))
        case .regex(let expression): expression.matches(text.utf8.span)
        }
    }
}

extension RegularExpression {
    /// Compiles `pattern`, which stands in the field `path`.
    public convenience init(checking pattern: String, _ path: String) throws(MeshError) {
        do {
            try self.init(pattern)
        } catch {
            switch error {
            case .patternTooLong(let limit):
                throw MeshError(path, "the expression is longer than \(limit) bytes")
            case .patternRefused(let reason), .substitutionRefused(let reason):
                throw MeshError(path, "not a regular expression that RE2 takes: \(reason)")
            }
        }
    }
}
