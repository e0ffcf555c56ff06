/// Who may ask a service for what: what no rule is about goes by the default, and of two rules
/// about the same request the one that denies it wins.
public struct ServiceAccess: Equatable, Sendable {
    /// The most rules that a service has.
    public static let ruleLimit = 64

    public enum Verdict: String, Sendable, CaseIterable {
        case allow
        case deny

        /// Reads the name of a verdict.
        ///
        /// - Throws: ``MeshError`` when it is not known.
        public init(parsing text: String) throws(MeshError) {
            guard let known = Verdict(rawValue: text) else {
                throw MeshError("", "\"\(text)\" is not one of allow and deny")
            }
            self = known
        }
    }

    /// What becomes of a request that no rule is about.
    public let standard: Verdict
    /// Whether it is only counted and logged what would be denied.
    public let isDryRun: Bool
    public let rules: [AccessRule]

    /// Makes rules.
    ///
    /// - Throws: ``MeshError`` when there are too many, or one allows what is allowed without it.
    public init(
        standard: Verdict, isDryRun: Bool = false, rules: [AccessRule] = []
    ) throws(MeshError) {
        if rules.count > Self.ruleLimit {
            throw MeshError("rules", "are more than \(Self.ruleLimit)")
        }
        // Whoever writes it thinks that the rest is denied.
        for (index, rule) in rules.enumerated() where rule.verdict == .allow && standard == .allow {
            throw MeshError(
                "rules[\(index)].allow",
                "changes nothing where the default is to allow; write default: deny")
        }
        self.standard = standard
        self.isDryRun = isDryRun
        self.rules = rules
    }
}

/// What a service allows or denies: requests that fulfil all of its conditions.
public struct AccessRule: Equatable, Sendable {
    /// The most callers of a rule.
    public static let callerLimit = 64
    /// The most methods of a rule.
    public static let methodLimit = 16
    /// The most paths of a rule.
    public static let pathLimit = 64

    /// A path of requests, without their query.
    public enum Path: Hashable, Sendable, CustomStringConvertible {
        case exact(String)
        /// What a path begins with.
        case prefix(String)

        /// Reads a path such as `/items`, or `/items/*` for all that begin with `/items/`.
        ///
        /// - Throws: ``MeshError`` when no path of a request is like that, or it has another `*`.
        public init(parsing text: String) throws(MeshError) {
            let isPrefix = text.hasSuffix("*")
            let path = isPrefix ? String(text.dropLast()) : text
            try require(path: path, "")
            if path.contains("*") { throw MeshError("", "has a * that is not its end") }
            try Self.check(path, isPrefix: isPrefix)
            self = isPrefix ? .prefix(path) : .exact(path)
        }

        public var description: String {
            switch self {
            case .exact(let text): text
            case .prefix(let text): text + "*"
            }
        }

        /// Throws where a path that is brought into one form before rules see it is never so
        /// (RFC 3986 §6.2.2): such a rule would be no wall where its author sees one.
        private static func check(_ path: String, isPrefix: Bool) throws(MeshError) {
            let segments = path.split(separator: "/", omittingEmptySubsequences: false).dropFirst()
            // The last one of a prefix may go on.
            let whole = isPrefix ? segments.dropLast() : segments
            if path.contains("//") || path.contains("\\") || whole.contains(".")
                || whole.contains("..") || path.utf8.hasUnreservedEscape
            {
                throw MeshError(
                    "",
                    "is a spelling of another path; rules see none with //, /./, /../, \\, or "
                        + "escapes of letters, digits and -._~")
            }
        }
    }

    public let verdict: ServiceAccess.Verdict
    /// Of which the request comes from one; empty for anybody, with an identity or without.
    public let callers: [CallerPattern]
    /// Of which the request has one; empty for any.
    public let methods: [String]
    /// Of which the request has one; empty for any.
    public let paths: [Path]

    /// Makes a rule; a condition that is `nil` always holds.
    ///
    /// - Throws: ``MeshError`` when there is no condition, one that nothing fulfils, too much of
    ///   one, or something that is no method.
    public init(
        _ verdict: ServiceAccess.Verdict, callers: [CallerPattern]? = nil,
        methods: [String]? = nil, paths: [Path]? = nil
    ) throws(MeshError) {
        if callers == nil, methods == nil, paths == nil {
            throw MeshError("", "is about all requests, which is what the default is for")
        }
        try Self.check(callers, "from", limit: Self.callerLimit)
        try Self.check(methods, "methods", limit: Self.methodLimit)
        for (index, method) in (methods ?? []).enumerated() {
            try require(method: method, "methods[\(index)]")
        }
        try Self.check(paths, "paths", limit: Self.pathLimit)
        self.verdict = verdict
        self.callers = callers ?? []
        self.methods = methods ?? []
        self.paths = paths ?? []
    }

    private static func check(
        _ values: [some Hashable]?, _ path: String, limit: Int
    ) throws(MeshError) {
        guard let values else { return }
        // Without one nothing would fulfil it, and whoever means all leaves it out.
        if values.isEmpty { throw MeshError(path, "must not be empty; leave it out for any") }
        if values.count > limit { throw MeshError(path, "are more than \(limit)") }
        var seen: Set<AnyHashable> = []
        for (index, value) in values.enumerated() where !seen.insert(value).inserted {
            throw MeshError("\(path)[\(index)]", "\"\(value)\" is there twice")
        }
    }
}

extension String.UTF8View {
    /// Whether something is escaped that means the same unescaped (RFC 3986 §2.3).
    fileprivate var hasUnreservedEscape: Bool {
        self.split(separator: UInt8(ascii: "%"), omittingEmptySubsequences: false).dropFirst()
            .contains { rest in
                guard rest.count >= 2, let text = String(rest.prefix(2)),
                    let byte = UInt8(text, radix: 16)
                else { return false }
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."),
                    UInt8(ascii: "_"), UInt8(ascii: "~"):
                    return true
                default: return false
                }
            }
    }
}
