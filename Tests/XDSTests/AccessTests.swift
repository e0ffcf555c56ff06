import Mesh
import SwiftProtobuf
import Testing
import XDS

@Suite struct `An RBAC filter on the wire` {
    private static let rbac = "type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBAC"

    private static func listener(_ filter: String, manager: String = "") throws -> [UInt8] {
        let text = """
            name: a
            address: {socket_address: {address: "::", port_value: 1}}
            filter_chains:
            - filters:
              - name: h
                typed_config:
                  "@type": type.googleapis.com/envoy.extensions.filters.network.\
            http_connection_manager.v3.HttpConnectionManager
                  stat_prefix: s
                  rds: {route_config_name: r, config_source: {ads: {}, resource_api_version: V3}}
                  http_filters:
                  - \(filter)
                  - name: r
                    typed_config:
                      "@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router
            """
        return try body(Proto.Listener.self, text)
    }

    @Test func `comes back as it was`() throws {
        let text = try StringMatcher(.prefix("/a"), ignoresCase: true)
        let header = try HeaderMatcher(name: ":method", .string(try StringMatcher(.exact("GET"))))
        let range = try AddressRange(address: "10.0.0.0", prefixLength: 8)
        let rules = try AccessRules(
            .deny,
            [
                try AccessPolicy(
                    name: "b",
                    permissions: [
                        .all([.any, .either([.path(text), .not(.header(header))])]),
                        .destinationPorts(80..<81), .destinationPorts(1..<65536),
                    ],
                    principals: [
                        .all([.any, .either([.path(text), .not(.header(header))])]),
                        .authenticated(nil), .authenticated(text), .address(range),
                    ]),
                try AccessPolicy(name: "a", permissions: [.any], principals: [.any]),
            ])
        let filters = [
            AccessFilter(
                name: "one", rules: rules, statPrefix: "in",
                shadowRules: try AccessRules(.allow, []), shadowStatPrefix: "dry"),
            AccessFilter(rules: nil),
        ]
        let listener = try Listener(name: "a", host: "::", port: 1, routes: .discovered("r"))
            .guarded(by: filters)
        var decoder = ResourceDecoder(rejectsUnknownFields: true)
        #expect(try decoder.listener(listener.resource.body) == listener)
        #expect(try listener.resource.json().contains("rules_stat_prefix"))
    }

    @Test(arguments: [
        ("matcher: {}", "matcher: is not supported"),
        ("shadow_matcher: {}", "shadow_matcher: is not supported"),
        ("track_per_rule_stats: true", "track_per_rule_stats: is not supported"),
        ("rules: {action: LOG}", "rules.action: LOG is not supported"),
        ("shadow_rules: {action: 7}", "shadow_rules.action: 7 is not a known value"),
        ("rules: {audit_logging_options: {}}", "rules.audit_logging_options: is not supported"),
        (
            "rules: {policies: {a b: {principals: [{any: true}]}}}",
            "rules.policies[\"a b\"].permissions: must not be empty"
        ),
        (
            "rules: {policies: {a: {permissions: [{any: true}]}}}",
            "rules.policies[\"a\"].principals: must not be empty"
        ),
    ])
    func `names what it cannot do`(config: String, reason: String) throws {
        let body = try Self.listener(
            "{name: rbac, typed_config: {\"@type\": \(Self.rbac), \(config)}}")
        expectRefusal(of: body, "http_filters[0].typed_config." + reason)
    }

    @Test(arguments: [
        ("{}", "has no rule"), ("{any: false}", "any: must be true"),
        ("{and_rules: {}}", "and_rules.rules: must not be empty"),
        ("{or_rules: {rules: [{any: true}, {}]}}", "or_rules.rules[1]: has no rule"),
        ("{not_rule: {not_rule: {}}}", "not_rule.not_rule: has no rule"),
        ("{header: {name: 'a b'}}", "header.name: \"a b\" is not a field name"),
        ("{url_path: {}}", "url_path.path: is missing"),
        ("{url_path: {path: {prefix: ''}}}", "url_path.path.prefix: must not be empty"),
        ("{url_path: {path: {custom: {}}}}", "url_path.path.custom: is not supported"),
        ("{destination_ip: {}}", "destination_ip: is not supported"),
        ("{destination_port: 65536}", "destination_port: must be at most 65535"),
        (
            "{destination_port_range: {start: -1, end: 5}}",
            "destination_port_range: must be in 0…65535, and not empty"
        ),
        (
            "{destination_port_range: {start: 5, end: 5}}",
            "destination_port_range: must be in 0…65535, and not empty"
        ),
        (
            "{destination_port_range: {start: 5, end: 65537}}",
            "destination_port_range: must be in 0…65535, and not empty"
        ),
        ("{metadata: {}}", "metadata: is not supported"),
        ("{requested_server_name: {exact: a}}", "requested_server_name: is not supported"),
        ("{matcher: {}}", "matcher: is not supported"),
        ("{uri_template: {}}", "uri_template: is not supported"),
        ("{sourced_metadata: {}}", "sourced_metadata: is not supported"),
    ])
    func `names a permission that it does not know`(permission: String, reason: String) throws {
        try expectRefusal(
            of: "permissions: [\(permission)], principals: [{any: true}]",
            "permissions[0]" + (permission == "{}" ? ": " : ".") + reason)
    }

    @Test(arguments: [
        ("{}", "has no identifier"), ("{any: false}", "any: must be true"),
        ("{and_ids: {}}", "and_ids.ids: must not be empty"),
        ("{or_ids: {ids: [{any: true}, {}]}}", "or_ids.ids[1]: has no identifier"),
        ("{not_id: {}}", "not_id: has no identifier"),
        ("{header: {name: ''}}", "header.name: must not be empty"),
        ("{url_path: {}}", "url_path.path: is missing"),
        (
            "{authenticated: {principal_name: {safe_regex: {regex: '('}}}}",
            "authenticated.principal_name.safe_regex: not a regular expression that RE2 takes"
        ),
        (
            "{source_ip: {address_prefix: localhost}}",
            "source_ip.address_prefix: \"localhost\" is not an IP address"
        ),
        (
            "{direct_remote_ip: {address_prefix: 10.0.0.0, prefix_len: 33}}",
            "direct_remote_ip.prefix_len: must be at most 32"
        ),
        (
            "{direct_remote_ip: {address_prefix: '::ffff:10.0.0.0', prefix_len: 95}}",
            "direct_remote_ip.prefix_len: must be at least 96 for an IPv4 address"
        ),
        ("{remote_ip: {address_prefix: 10.0.0.0}}", "remote_ip: is not supported"),
        ("{metadata: {}}", "metadata: is not supported"),
        ("{filter_state: {}}", "filter_state: is not supported"),
        ("{sourced_metadata: {}}", "sourced_metadata: is not supported"),
        ("{custom: {}}", "custom: is not supported"),
    ])
    func `names a principal that it does not know`(principal: String, reason: String) throws {
        try expectRefusal(
            of: "permissions: [{any: true}], principals: [\(principal)]",
            "principals[0]" + (principal == "{}" ? ": " : ".") + reason)
    }

    @Test(arguments: ["condition", "checked_condition", "cel_config"])
    func `refuses expressions`(field: String) throws {
        try expectRefusal(
            of: "permissions: [{any: true}], principals: [{any: true}], \(field): {}",
            "\(field): is not supported")
    }

    private func expectRefusal(of policy: String, _ reason: String) throws {
        let config = "{\"@type\": \(Self.rbac), shadow_rules: {policies: {p: {\(policy)}}}}"
        let path = "http_filters[0].typed_config.shadow_rules.policies[\"p\"]."
        expectRefusal(
            of: try Self.listener("{name: rbac, typed_config: \(config)}"), path + reason)
    }

    private func expectRefusal(of body: [UInt8], _ reason: String) {
        var decoder = ResourceDecoder()
        do throws(ResourceError) {
            _ = try decoder.listener(body)
            Issue.record("was accepted")
        } catch {
            let text = "\(error.path): \(error.reason)"
            #expect(text.hasPrefix("filter_chains[0].filters[0].typed_config." + reason))
        }
    }

    @Test func `cannot be turned off for some routes`() throws {
        let body = try Self.listener(
            "{name: rbac, disabled: true, typed_config: {\"@type\": \(Self.rbac)}}")
        expectRefusal(of: body, "http_filters[0].disabled: is not supported")
    }

    /// Fields of the connection manager, or of a condition, that are not known here.
    @Test(arguments: [
        (UInt8(39), "strip_matching_host_port"), (42, "strip_any_host_port"),
        (43, "path_normalization_options"), (47, "strip_trailing_host_dot"),
    ])
    func `does not stand where the path would be another one`(field: UInt8, name: String) throws {
        for isGuarded in [true, false] {
            var decoder = ResourceDecoder()
            let listener = try Listener(name: "a", host: "::", port: 1, routes: .discovered("r"))
                .guarded(by: isGuarded ? [AccessFilter(rules: nil)] : [])
            var message = try Proto.Listener(serializedBytes: listener.resource.body)
            let tag = UInt16(field) << 3
            message.filterChains[0].filters[0].typedConfig.value.append(
                contentsOf: [UInt8(tag & 0x7F) | 0x80, UInt8(tag >> 7), 1])
            let bytes = message.bytes
            if isGuarded {
                expectRefusal(of: bytes, "\(name): is not supported together")
            } else {
                #expect(throws: Never.self) { try decoder.listener(bytes) }
            }
        }
    }

    @Test func `is refused with anything unknown in it`() throws {
        let listener = try Listener(name: "a", host: "::", port: 1, routes: .discovered("r"))
            .guarded(by: [AccessFilter(rules: nil)])
        var message = try Proto.Listener(serializedBytes: listener.resource.body)
        var manager = try Proto.HTTPConnectionManager(
            serializedBytes: message.filterChains[0].filters[0].typedConfig.value)
        manager.httpFilters[0].typedConfig.value.append(contentsOf: [15 << 3, 1])
        message.filterChains[0].filters[0].typedConfig = manager.packed
        let bytes = message.bytes
        expectRefusal(of: bytes, "http_filters[0].typed_config: unknown field 15")
    }
}
