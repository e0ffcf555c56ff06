public import RegularExpressions

/// What is done with a request that a route matches.
public enum RouteAction: Equatable, Sendable {
    case forward(ForwardAction)
    case redirect(RedirectAction)
    case directResponse(DirectResponseAction)
}

/// Forwards to a cluster: `envoy.config.route.v3.RouteAction`.
public struct ForwardAction: Equatable, Sendable {
    public static let defaultTimeout = Duration.seconds(15)
    public static let hashPolicyLimit = 64

    public enum Destination: Equatable, Sendable {
        case cluster(String)
        case weighted(WeightedClusters)
    }

    public enum HostRewrite: Equatable, Sendable {
        /// That text (`host_rewrite_literal`).
        case literal(String)
        /// `host_rewrite_header`: the value of that request field, if it is there.
        case header(String)
    }

    /// What the matched part of the path, or parts of it, are replaced with.
    public enum PathRewrite: Equatable, Sendable {
        /// `prefix_rewrite`: instead of what the route's path matcher matched.
        case prefix(String)
        case regex(RegexRewrite)
    }

    public enum IdleTimeout: Equatable, Sendable {
        /// As the listener says.
        case inherited
        case disabled
        case after(Duration)
    }

    public let destination: Destination
    public let pathRewrite: PathRewrite?
    public let hostRewrite: HostRewrite?
    /// From the end of the request to the end of the response, all attempts included; `nil` is no
    /// limit.
    public let timeout: Duration?
    /// Longest time without a byte in either direction.
    public let idleTimeout: IdleTimeout
    public let streamLimits: StreamLimits
    public let hashPolicies: [HashPolicy]
    public let retryPolicy: RetryPolicy?

    /// Makes an action.
    ///
    /// - Throws: ``MeshError`` when a name is empty, a duration not positive, text could break a
    ///   header block, or there are more hash policies than ``hashPolicyLimit``.
    public init(
        destination: Destination,
        pathRewrite: PathRewrite? = nil,
        hostRewrite: HostRewrite? = nil,
        timeout: Duration? = ForwardAction.defaultTimeout,
        idleTimeout: IdleTimeout = .inherited,
        streamLimits: StreamLimits = .none,
        hashPolicies: [HashPolicy] = [],
        retryPolicy: RetryPolicy? = nil
    ) throws(MeshError) {
        if case .cluster(let name) = destination { try require(nonEmpty: name, "cluster") }
        if case .prefix(let text) = pathRewrite { try require(fieldValue: text, "prefix_rewrite") }
        switch hostRewrite {
        case .literal(let text):
            try require(nonEmpty: text, "host_rewrite_literal")
            try require(fieldValue: text, "host_rewrite_literal")
        case .header(let name): try require(fieldName: name, "host_rewrite_header")
        case nil: break
        }
        try require(positive: timeout, "timeout")
        if case .after(let duration) = idleTimeout {
            try require(positive: duration, "idle_timeout")
        }
        if hashPolicies.count > Self.hashPolicyLimit {
            throw MeshError("hash_policy", "more than \(Self.hashPolicyLimit) policies")
        }
        self.destination = destination
        self.pathRewrite = pathRewrite
        self.hostRewrite = hostRewrite
        self.timeout = timeout
        self.idleTimeout = idleTimeout
        self.streamLimits = streamLimits
        self.hashPolicies = hashPolicies
        self.retryPolicy = retryPolicy
    }

    /// The names of the clusters that requests may go to, in order.
    public var clusterNames: [String] {
        switch destination {
        case .cluster(let name): [name]
        case .weighted(let clusters): clusters.entries.map(\.name)
        }
    }
}

/// `regex_rewrite`: every match of the expression in the path is replaced; the query is not
/// touched.
public struct RegexRewrite: Equatable, Sendable {
    /// Most bytes of a substitution.
    public static let substitutionLimit = 256

    public let pattern: RegularExpression
    /// With `\0`…`\9` for the whole match and its groups.
    public let substitution: String

    /// Makes a rewrite.
    ///
    /// - Throws: ``MeshError`` when RE2 does not take the pattern, or the substitution is too long,
    ///   names a group that is not there, or could break a header block.
    public init(pattern: String, substitution: String) throws(MeshError) {
        try require(fieldValue: substitution, "substitution")
        if substitution.utf8.count > Self.substitutionLimit {
            throw MeshError("substitution", "is longer than \(Self.substitutionLimit) bytes")
        }
        self.pattern = try RegularExpression(checking: pattern, "pattern.regex")
        self.substitution = substitution
        do {
            try self.pattern.check(substitution: substitution)
        } catch {
            throw MeshError("substitution", "names a group that the expression does not have")
        }
    }
}

/// A split of requests over clusters: `envoy.config.route.v3.WeightedCluster`.
public struct WeightedClusters: Equatable, Sendable {
    public struct Entry: Equatable, Sendable {
        public let name: String
        /// The share of requests is this weight divided by the sum of all.
        public let weight: UInt32
        public let requestHeaders: HeaderMutations
        public let responseHeaders: HeaderMutations
        /// Goes before that of the route.
        public let hostRewrite: String?

        /// Makes an entry.
        ///
        /// - Throws: ``MeshError`` when the name is empty or the host could break a header block.
        public init(
            name: String,
            weight: UInt32,
            requestHeaders: HeaderMutations = .none,
            responseHeaders: HeaderMutations = .none,
            hostRewrite: String? = nil
        ) throws(MeshError) {
            try require(nonEmpty: name, "name")
            if let hostRewrite { try require(fieldValue: hostRewrite, "host_rewrite_literal") }
            self.name = name
            self.weight = weight
            self.requestHeaders = requestHeaders
            self.responseHeaders = responseHeaders
            self.hostRewrite = hostRewrite
        }
    }

    /// Most entries of a split.
    public static let entryLimit = 1024

    public let entries: [Entry]
    /// Whether the hash policies of the route decide, so that a user stays with a version.
    public let usesHashPolicy: Bool
    /// The sum of all weights: 1…`UInt32.max`.
    public let totalWeight: UInt32

    /// Makes a split.
    ///
    /// - Throws: ``MeshError`` when there is no entry or more than ``entryLimit``, or the sum of
    ///   the weights is zero or more than `UInt32.max`.
    public init(entries: [Entry], usesHashPolicy: Bool = false) throws(MeshError) {
        if entries.isEmpty { throw MeshError("clusters", "must not be empty") }
        if entries.count > Self.entryLimit {
            throw MeshError("clusters", "more than \(Self.entryLimit) entries")
        }
        let total = entries.reduce(into: UInt64(0)) { $0 += UInt64($1.weight) }
        if total == 0 { throw MeshError("clusters", "the weights sum to zero") }
        guard let total = UInt32(exactly: total) else {
            throw MeshError("clusters", "the weights sum to more than \(UInt32.max)")
        }
        self.entries = entries
        self.usesHashPolicy = usesHashPolicy
        totalWeight = total
    }
}

/// Answers with a redirect: `envoy.config.route.v3.RedirectAction`.
public struct RedirectAction: Equatable, Sendable {
    public enum Path: Equatable, Sendable {
        /// `path_redirect`: may bring its own query, which then replaces that of the request.
        case replace(String)
        /// `prefix_rewrite`: instead of what the route's path matcher matched.
        case prefix(String)
        case regex(RegexRewrite)
    }

    public enum Status: UInt16, Sendable {
        case movedPermanently = 301
        case found = 302
        case seeOther = 303
        case temporaryRedirect = 307
        case permanentRedirect = 308
    }

    public let status: Status
    /// `nil` keeps that of the request; `https_redirect` is `"https"`.
    public let scheme: String?
    public let host: String?
    public let port: UInt16?
    public let path: Path?
    public let stripsQuery: Bool

    /// Makes an action.
    ///
    /// - Throws: ``MeshError`` when text could break a header block.
    public init(
        status: Status = .movedPermanently,
        scheme: String? = nil,
        host: String? = nil,
        port: UInt16? = nil,
        path: Path? = nil,
        stripsQuery: Bool = false
    ) throws(MeshError) {
        if let scheme { try require(fieldValue: scheme, "scheme_redirect") }
        if let host { try require(fieldValue: host, "host_redirect") }
        switch path {
        case .replace(let text): try require(fieldValue: text, "path_redirect")
        case .prefix(let text): try require(fieldValue: text, "prefix_rewrite")
        case .regex, nil: break
        }
        self.status = status
        self.scheme = scheme
        self.host = host
        self.port = port
        self.path = path
        self.stripsQuery = stripsQuery
    }
}

/// Answers at once: `envoy.config.route.v3.DirectResponseAction`.
public struct DirectResponseAction: Equatable, Sendable {
    /// Most bytes of a body (`max_direct_response_body_size_bytes`).
    public static let bodyLimit = 4096

    public let status: UInt16
    public let body: [UInt8]

    /// Makes an action.
    ///
    /// - Throws: ``MeshError`` when the status is not 200…599 or the body is too long.
    public init(status: UInt16, body: [UInt8] = []) throws(MeshError) {
        if !(200..<600).contains(status) { throw MeshError("status", "must be 200…599") }
        if body.count > Self.bodyLimit {
            throw MeshError("body", "is longer than \(Self.bodyLimit) bytes")
        }
        self.status = status
        self.body = body
    }
}
