import Mesh
import SwiftProtobuf

extension ResourceDecoder {
    /// - Throws: `MeshError` when a part of it is not understood, known or not: it would let
    ///   somebody through who may not pass.
    func accessFilter(
        _ message: Proto.AccessFilter, name: String
    ) throws(MeshError) -> AccessFilter {
        try refuse(message.hasMatcher, "matcher")
        try refuse(message.hasShadowMatcher, "shadow_matcher")
        try refuse(message.trackPerRuleStats, "track_per_rule_stats")
        let unknown = UnknownFieldVisitor(over: message)
        if unknown.count > 0 {
            let all = unknown.fields.map(\.description).sorted()
            throw MeshError("", all.prefix(5).joined(separator: ", "))
        }
        return AccessFilter(
            name: name,
            rules: message.hasRules ? try accessRules(message.rules, "rules") : nil,
            statPrefix: message.rulesStatPrefix,
            shadowRules: message.hasShadowRules
                ? try accessRules(message.shadowRules, "shadow_rules") : nil,
            shadowStatPrefix: message.shadowRulesStatPrefix)
    }

    /// Refuses what changes a request before Envoy's filters look at it, and is not done here:
    /// rules would be asked about another path or authority than they were written for.
    func checkNormalization(before manager: Proto.HTTPConnectionManager) throws(MeshError) {
        let steps = [
            39: "strip_matching_host_port", 42: "strip_any_host_port",
            43: "path_normalization_options", 47: "strip_trailing_host_dot",
        ]
        let name = Proto.HTTPConnectionManager.protoMessageName
        for field in UnknownFieldVisitor(over: manager).fields where field.message == name {
            if let step = steps[field.number] {
                throw MeshError(step, "is not supported together with an RBAC filter")
            }
        }
    }
}

private func accessRules(
    _ message: Proto.AccessRules, _ path: String
) throws(MeshError) -> AccessRules {
    try MeshError.at(path) { () throws(MeshError) in
        try refuse(message.hasAuditLoggingOptions, "audit_logging_options")
        let action: AccessRules.Action
        switch message.action {
        case .allow: action = .allow
        case .deny: action = .deny
        case .log: throw MeshError("action", "LOG is not supported")
        case .UNRECOGNIZED(let number):
            throw MeshError("action", "\(number) is not a known value")
        }
        var policies: [AccessPolicy] = []
        for (name, policy) in message.policies.sorted(by: { $0.key < $1.key }) {
            policies.append(
                try MeshError.at("policies[\"\(name)\"]") { () throws(MeshError) in
                    try accessPolicy(policy, name: name)
                })
        }
        return try AccessRules(action, policies)
    }
}

private func accessPolicy(
    _ message: Proto.AccessPolicy, name: String
) throws(MeshError) -> AccessPolicy {
    try refuse(message.hasCondition, "condition")
    try refuse(message.hasCheckedCondition, "checked_condition")
    try refuse(message.hasCelConfig, "cel_config")
    return try AccessPolicy(
        name: name, permissions: try mapping(message.permissions, "permissions", permission),
        principals: try mapping(message.principals, "principals", principal))
}

private func permission(_ message: Proto.Permission) throws(MeshError) -> Permission {
    switch message.rule {
    case .any(let isTrue):
        if !isTrue { throw MeshError("any", "must be true") }
        return .any
    case .andRules(let set): return .all(try mapping(set.rules, "and_rules.rules", permission))
    case .orRules(let set): return .either(try mapping(set.rules, "or_rules.rules", permission))
    case .notRule(let rule):
        return .not(
            try MeshError.at("not_rule") { () throws(MeshError) in try permission(rule) })
    case .header(let header):
        return .header(
            try MeshError.at("header") { () throws(MeshError) in try headerMatcher(header) })
    case .urlPath(let matcher): return .path(try path(matcher))
    case .destinationPort(let port):
        if port > 65535 { throw MeshError("destination_port", "must be at most 65535") }
        return .destinationPorts(port..<port + 1)
    case .destinationPortRange(let range):
        guard let start = UInt32(exactly: range.start), let end = UInt32(exactly: range.end),
            start < end
        else {
            throw MeshError("destination_port_range", "must be in 0…65535, and not empty")
        }
        return .destinationPorts(start..<end)
    case .destinationIp: throw MeshError("destination_ip", "is not supported")
    case .metadata: throw MeshError("metadata", "is not supported")
    case .requestedServerName: throw MeshError("requested_server_name", "is not supported")
    case .matcher: throw MeshError("matcher", "is not supported")
    case .uriTemplate: throw MeshError("uri_template", "is not supported")
    case .sourcedMetadata: throw MeshError("sourced_metadata", "is not supported")
    case nil: throw MeshError("", "has no rule")
    }
}

private func principal(_ message: Proto.Principal) throws(MeshError) -> Principal {
    switch message.identifier {
    case .any(let isTrue):
        if !isTrue { throw MeshError("any", "must be true") }
        return .any
    case .andIds(let set): return .all(try mapping(set.ids, "and_ids.ids", principal))
    case .orIds(let set): return .either(try mapping(set.ids, "or_ids.ids", principal))
    case .notID(let id):
        return .not(try MeshError.at("not_id") { () throws(MeshError) in try principal(id) })
    case .authenticated(let authenticated):
        if !authenticated.hasPrincipalName { return .authenticated(nil) }
        return .authenticated(
            try MeshError.at("authenticated.principal_name") { () throws(MeshError) in
                try StringMatcher(authenticated.principalName)
            })
    case .sourceIp(let range): return .address(try addressRange(range, "source_ip"))
    case .directRemoteIp(let range):
        return .address(try addressRange(range, "direct_remote_ip"))
    case .header(let header):
        return .header(
            try MeshError.at("header") { () throws(MeshError) in try headerMatcher(header) })
    case .urlPath(let matcher): return .path(try path(matcher))
    case .remoteIp:
        throw MeshError(
            "remote_ip", "is not supported: a client can choose it; direct_remote_ip is")
    case .metadata: throw MeshError("metadata", "is not supported")
    case .filterState: throw MeshError("filter_state", "is not supported")
    case .sourcedMetadata: throw MeshError("sourced_metadata", "is not supported")
    case .custom: throw MeshError("custom", "is not supported")
    case nil: throw MeshError("", "has no identifier")
    }
}

private func path(_ message: Proto.PathMatcher) throws(MeshError) -> StringMatcher {
    guard case .path(let matcher)? = message.rule else {
        throw MeshError("url_path.path", "is missing")
    }
    return try MeshError.at("url_path.path") { () throws(MeshError) in try StringMatcher(matcher) }
}

private func addressRange(
    _ message: Proto.AddressRange, _ path: String
) throws(MeshError) -> AddressRange {
    try MeshError.at(path) { () throws(MeshError) in
        // Left out, it is zero: all addresses of that family.
        try AddressRange(
            address: message.addressPrefix, prefixLength: message.prefixLen.value)
    }
}
