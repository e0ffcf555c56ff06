/// Which requests of a service it takes, and how it shares them between versions.
public struct ServiceRoute: Equatable, Sendable {
    /// The time that a request and its answer may take when a user says nothing, as in Envoy.
    public static let defaultTimeout = Duration.seconds(15)
    /// The longest time that can be asked for.
    public static let longestTimeout = Duration.seconds(86_400)

    /// What a user wrote, before it is seen together with the service's versions.
    public struct Draft: Sendable {
        public var name: String?
        public var match: RequestMatch
        public var weights: [String: Weight]
        public var stickiness: Stickiness?
        /// `nil` is no limit.
        public var timeout: Duration?

        public init(
            name: String? = nil,
            match: RequestMatch = .any,
            weights: [String: Weight],
            stickiness: Stickiness? = nil,
            timeout: Duration? = ServiceRoute.defaultTimeout
        ) {
            self.name = name
            self.match = match
            self.weights = weights
            self.stickiness = stickiness
            self.timeout = timeout
        }
    }

    /// A DNS label that no other route of the service has.
    public let name: String
    public let match: RequestMatch
    public let split: Split
    public let stickiness: Stickiness?
    /// From the whole request to the end of the answer; `nil` is no limit.
    public let timeout: Duration?

    /// Makes a route; one without a name is `default` when it takes all requests, else
    /// `route-` and its place, counted from one.
    init(_ draft: Draft, position: Int, versions: Set<String>) throws(MeshError) {
        name = draft.name ?? (draft.match.isAny ? "default" : "route-\(position + 1)")
        try require(label: name, "name")
        try require(positive: draft.timeout, "timeout")
        if let timeout = draft.timeout, timeout > Self.longestTimeout {
            throw MeshError("timeout", "is longer than \(Self.longestTimeout.components.seconds)s")
        }
        match = draft.match
        split = try MeshError.at("split") { () throws(MeshError) in
            try Split(draft.weights, of: versions)
        }
        stickiness = draft.stickiness
        timeout = draft.timeout
    }

    func splitting(by split: Split) -> ServiceRoute {
        ServiceRoute(other: self, split: split)
    }

    private init(other: ServiceRoute, split: Split) {
        name = other.name
        match = other.match
        self.split = split
        stickiness = other.stickiness
        timeout = other.timeout
    }
}

/// What a request must be like for a route to take it; all conditions must hold.
public struct RequestMatch: Equatable, Sendable {
    /// The most conditions of each kind.
    public static let conditionLimit = 16

    /// A condition on what goes by a name: a field, a parameter of the query, a cookie.
    public struct Named: Equatable, Sendable {
        public let name: String
        public let condition: QueryParameterMatcher.Condition

        public init(_ name: String, _ condition: QueryParameterMatcher.Condition) {
            self.name = name
            self.condition = condition
        }
    }

    public static let any = RequestMatch()

    /// `nil` is any path.
    public let path: PathMatcher?
    /// A token in its own case; `nil` is any method.
    public let method: String?
    /// Each of the three in the order of names.
    public let headers: [Named]
    public let query: [Named]
    public let cookies: [Named]

    private init() {
        path = nil
        method = nil
        headers = []
        query = []
        cookies = []
    }

    /// Makes conditions.
    ///
    /// - Throws: ``MeshError`` when a path does not begin with a slash, the method is not a token,
    ///   or a name cannot be one of its kind.
    public init(
        path: PathMatcher? = nil,
        method: String? = nil,
        headers: [Named] = [],
        query: [Named] = [],
        cookies: [Named] = []
    ) throws(MeshError) {
        try Self.check(path)
        if let method { try require(method: method, "method") }
        try Self.check(headers, "headers") { (name, path) throws(MeshError) in
            try require(fieldName: name, path)
        }
        try Self.check(query, "query") { (name, path) throws(MeshError) in
            try require(nonEmpty: name, path)
            try require(fieldValue: name, path)
        }
        try Self.check(cookies, "cookies", requireCookie)
        self.path = path
        self.method = method
        self.headers = headers.map { Named($0.name.asciiLowercased, $0.condition) }
            .sorted { $0.name < $1.name }
        self.query = query.sorted { $0.name < $1.name }
        self.cookies = cookies.sorted { $0.name < $1.name }
    }

    /// Whether it takes all requests.
    public var isAny: Bool {
        let isAnyPath = path == nil || path == .prefix("/")
        return isAnyPath && method == nil && headers.isEmpty && query.isEmpty && cookies.isEmpty
    }

    private static func check(_ path: PathMatcher?) throws(MeshError) {
        switch path {
        case .prefix(let text), .exact(let text): try require(path: text, "path")
        case .regex, .separatedPrefix, nil: break
        }
    }

    private static func check(
        _ conditions: [Named], _ path: String,
        _ checkName: (String, String) throws(MeshError) -> Void
    ) throws(MeshError) {
        if conditions.count > conditionLimit {
            throw MeshError(path, "are more than \(conditionLimit)")
        }
        var names: Set<String> = []
        for condition in conditions {
            let place = "\(path).\(condition.name)"
            try requireShort(condition.name, place)
            try checkName(condition.name, place)
            if !names.insert(condition.name.asciiLowercased).inserted {
                throw MeshError(place, "is there twice")
            }
            guard case .string(let matcher) = condition.condition else { continue }
            switch matcher.pattern {
            case .exact(let text), .prefix(let text), .suffix(let text), .contains(let text):
                try requireShort(text, place)
                try require(fieldValue: text, place)
            case .regex: break
            }
        }
    }
}
