/// Where requests of a listener go: `envoy.config.route.v3.RouteConfiguration`.
public struct RouteConfiguration: Equatable, Sendable {
    public let name: String
    public let virtualHosts: [VirtualHost]
    /// Done to every forwarded request (`request_headers_to_add`, `request_headers_to_remove`).
    public let requestHeaders: HeaderMutations
    /// Done to every answer (`response_headers_to_add`, `response_headers_to_remove`).
    public let responseHeaders: HeaderMutations
    /// Whether mutations of the route come last and so win; else those of the configuration do.
    public let mostSpecificHeaderMutationsWin: Bool
    /// Whether a port in the request's authority is left out when domains are compared.
    public let ignoresPortInHostMatching: Bool

    /// Makes a configuration whose domains are unambiguous.
    ///
    /// - Throws: ``MeshError`` when two virtual hosts share a name or a domain.
    public init(
        name: String,
        virtualHosts: [VirtualHost],
        requestHeaders: HeaderMutations = .none,
        responseHeaders: HeaderMutations = .none,
        mostSpecificHeaderMutationsWin: Bool = false,
        ignoresPortInHostMatching: Bool = false
    ) throws(MeshError) {
        self.name = name
        self.virtualHosts = virtualHosts
        self.requestHeaders = requestHeaders
        self.responseHeaders = responseHeaders
        self.mostSpecificHeaderMutationsWin = mostSpecificHeaderMutationsWin
        self.ignoresPortInHostMatching = ignoresPortInHostMatching
        try requireUniqueHosts()
    }

    private func requireUniqueHosts() throws(MeshError) {
        var names: Set<String> = []
        var domains: [DomainPattern: String] = [:]
        for (index, host) in virtualHosts.enumerated() {
            if !names.insert(host.name).inserted {
                throw MeshError("virtual_hosts[\(index)].name", "\"\(host.name)\" is used twice")
            }
            for (position, domain) in host.domains.enumerated() {
                if let other = domains.updateValue(host.name, forKey: domain) {
                    throw MeshError(
                        "virtual_hosts[\(index)].domains[\(position)]",
                        "\"\(domain)\" belongs to virtual host \"\(other)\" already")
                }
            }
        }
    }
}

/// Routes for a set of domains: `envoy.config.route.v3.VirtualHost`.
public struct VirtualHost: Equatable, Sendable {
    public let name: String
    public let domains: [DomainPattern]
    /// In order of precedence: the first that matches is taken.
    public let routes: [Route]
    public let requestHeaders: HeaderMutations
    public let responseHeaders: HeaderMutations
    /// For routes that have no policy of their own.
    public let retryPolicy: RetryPolicy?

    /// Makes a virtual host.
    ///
    /// - Throws: ``MeshError`` when the name is empty or there is no domain.
    public init(
        name: String,
        domains: [DomainPattern],
        routes: [Route],
        requestHeaders: HeaderMutations = .none,
        responseHeaders: HeaderMutations = .none,
        retryPolicy: RetryPolicy? = nil
    ) throws(MeshError) {
        try require(nonEmpty: name, "name")
        if domains.isEmpty { throw MeshError("domains", "must not be empty") }
        self.name = name
        self.domains = domains
        self.routes = routes
        self.requestHeaders = requestHeaders
        self.responseHeaders = responseHeaders
        self.retryPolicy = retryPolicy
    }
}

/// What a virtual host says about the authority of a request; text is kept in lower case.
///
/// A wildcard stands for one character or more.
public enum DomainPattern: Hashable, Sendable, CustomStringConvertible {
    case exact(String)
    /// `*.example.org` ends with `.example.org`.
    case suffix(String)
    /// `example.*` begins with `example.`.
    case prefix(String)
    /// `*`
    case any

    /// Reads a domain as written in `VirtualHost.domains`.
    ///
    /// - Throws: ``MeshError`` when it is empty, holds a control character, or has a `*` that
    ///   is not its first or last character.
    public init(parsing text: String) throws(MeshError) {
        try require(nonEmpty: text, "")
        try require(fieldValue: text, "")
        let lowercased = text.asciiLowercased
        let rest: String
        if lowercased == "*" {
            self = .any
            return
        } else if lowercased.hasPrefix("*") {
            rest = String(lowercased.dropFirst())
            self = .suffix(rest)
        } else if lowercased.hasSuffix("*") {
            rest = String(lowercased.dropLast())
            self = .prefix(rest)
        } else {
            rest = lowercased
            self = .exact(rest)
        }
        if rest.contains("*") {
            throw MeshError("", "\"\(text)\" has a * that is neither its only, first nor last one")
        }
    }

    public var description: String {
        switch self {
        case .exact(let text): text
        case .suffix(let text): "*" + text
        case .prefix(let text): text + "*"
        case .any: "*"
        }
    }
}

/// One way of matching requests and what to do with them: `envoy.config.route.v3.Route`.
public struct Route: Equatable, Sendable {
    /// May be empty; together with the names of virtual host and configuration it keeps the counter
    /// of the pick over pushes.
    public let name: String
    public let match: RouteMatch
    public let action: RouteAction
    public let requestHeaders: HeaderMutations
    public let responseHeaders: HeaderMutations

    public init(
        name: String = "",
        match: RouteMatch,
        action: RouteAction,
        requestHeaders: HeaderMutations = .none,
        responseHeaders: HeaderMutations = .none
    ) {
        self.name = name
        self.match = match
        self.action = action
        self.requestHeaders = requestHeaders
        self.responseHeaders = responseHeaders
    }
}
