/// Who may do what: `envoy.config.rbac.v3.RBAC`.
public struct AccessRules: Equatable, Sendable {
    /// What becomes of a request that a policy matches; any other request is treated the other way.
    public enum Action: Sendable {
        case allow
        case deny
    }

    public let action: Action
    /// In the order of their names, in which they are looked at; none at all is matched by nothing.
    public let policies: [AccessPolicy]

    /// Makes rules.
    ///
    /// - Throws: ``MeshError`` when two policies have one name.
    public init(_ action: Action, _ policies: [AccessPolicy]) throws(MeshError) {
        var names: Set<String> = []
        for policy in policies where !names.insert(policy.name).inserted {
            throw MeshError("policies[\"\(policy.name)\"]", "is there twice")
        }
        self.action = action
        self.policies = policies.sorted {
            $0.name.utf8.lexicographicallyPrecedes($1.name.utf8)
        }
    }
}

/// Some of what can be done, by some: `envoy.config.rbac.v3.Policy`.
public struct AccessPolicy: Equatable, Sendable {
    public let name: String
    /// Of which one has to hold.
    public let permissions: [Permission]
    /// Of which one has to hold.
    public let principals: [Principal]

    /// Makes a policy.
    ///
    /// - Throws: ``MeshError`` when there is no permission or no principal, or a set of them is
    ///   empty, or a range of ports is none.
    public init(
        name: String, permissions: [Permission], principals: [Principal]
    ) throws(MeshError) {
        if permissions.isEmpty { throw MeshError("permissions", "must not be empty") }
        if principals.isEmpty { throw MeshError("principals", "must not be empty") }
        for (index, permission) in permissions.enumerated() {
            try MeshError.at("permissions[\(index)]") { () throws(MeshError) in
                try permission.check()
            }
        }
        for (index, principal) in principals.enumerated() {
            try MeshError.at("principals[\(index)]") { () throws(MeshError) in
                try principal.check()
            }
        }
        self.name = name
        self.permissions = permissions
        self.principals = principals
    }
}

/// What is asked for: `envoy.config.rbac.v3.Permission`.
///
/// `destination_ip`, `requested_server_name`, `metadata`, `sourced_metadata`, `matcher` and
/// `uri_template` are not supported.
public indirect enum Permission: Equatable, Sendable {
    case any
    case all([Permission])
    case either([Permission])
    case not(Permission)
    /// Each value of a field that is there more than once is looked at on its own: one has to
    /// fulfil the condition, and where it is inverted none may.
    case header(HeaderMatcher)
    /// The path without its query, byte for byte as it came and as routes are matched: no `%2F`,
    /// `//` or `..` is resolved.
    case path(StringMatcher)
    /// To which port the client has connected; at most 65535.
    case destinationPorts(Range<UInt32>)

    fileprivate func check() throws(MeshError) {
        switch self {
        case .any, .header, .path: return
        case .not(let other):
            try MeshError.at("not_rule") { () throws(MeshError) in try other.check() }
        case .all(let parts): try check(parts, "and_rules.rules")
        case .either(let parts): try check(parts, "or_rules.rules")
        case .destinationPorts(let ports):
            if ports.isEmpty || ports.upperBound > 65536 {
                throw MeshError("destination_port_range", "must be in 0…65535, and not empty")
            }
        }
    }

    private func check(_ parts: [Permission], _ path: String) throws(MeshError) {
        if parts.isEmpty { throw MeshError(path, "must not be empty") }
        for (index, part) in parts.enumerated() {
            try MeshError.at("\(path)[\(index)]") { () throws(MeshError) in try part.check() }
        }
    }
}

/// Who asks: `envoy.config.rbac.v3.Principal`.
///
/// `remote_ip`, which a client can choose by a field, `metadata`, `sourced_metadata`,
/// `filter_state` and `custom` are not supported.
public indirect enum Principal: Equatable, Sendable {
    case any
    case all([Principal])
    case either([Principal])
    case not(Principal)
    /// The client speaks TLS; with a condition, which one of its certificate's URIs, hosts or its
    /// subject has to fulfil. The subject of a client without a certificate is empty.
    case authenticated(StringMatcher?)
    /// The address from which the connection comes (`direct_remote_ip`, `source_ip`).
    case address(AddressRange)
    case header(HeaderMatcher)
    case path(StringMatcher)

    fileprivate func check() throws(MeshError) {
        switch self {
        case .any, .authenticated, .address, .header, .path: return
        case .not(let other):
            try MeshError.at("not_id") { () throws(MeshError) in try other.check() }
        case .all(let parts): try check(parts, "and_ids.ids")
        case .either(let parts): try check(parts, "or_ids.ids")
        }
    }

    private func check(_ parts: [Principal], _ path: String) throws(MeshError) {
        if parts.isEmpty { throw MeshError(path, "must not be empty") }
        for (index, part) in parts.enumerated() {
            try MeshError.at("\(path)[\(index)]") { () throws(MeshError) in try part.check() }
        }
    }
}
