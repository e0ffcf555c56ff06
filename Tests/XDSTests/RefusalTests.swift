import Mesh
import SwiftProtobuf
import Testing
import XDS

@Suite struct `A resource that cannot be done as it says` {
    private static let router = """
        http_filters: [{name: r, typed_config: {"@type": \
        type.googleapis.com/envoy.extensions.filters.http.router.v3.Router}}]
        """

    @Test(arguments: [
        ("name: ''\nvirtual_hosts: []", "name: must not be empty"),
        ("vhds: {}", "vhds: is not supported"),
        (
            "virtual_hosts: [{name: a, domains: [x]}, {name: b, domains: [X]}]",
            "virtual_hosts[1].domains[0]: \"x\" belongs to virtual host \"a\" already"
        ),
        ("virtual_hosts: [{name: a, domains: []}]", "virtual_hosts[0].domains: must not be empty"),
        (
            "virtual_hosts: [{name: a, domains: ['*'], require_tls: ALL}]",
            "virtual_hosts[0].require_tls: is not supported"
        ),
        (
            "virtual_hosts: [{name: a, domains: ['*'], rate_limits: [{}]}]",
            "virtual_hosts[0].rate_limits: is not supported"
        ),
        (
            "request_headers_to_add: [{header: {key: host, value: x}}]",
            "request_headers_to_add[0].header.key: host is changed by host_rewrite_literal only"
        ),
        (
            "response_headers_to_remove: ['a b']",
            "response_headers_to_remove[0]: \"a b\" is not a field name"
        ),
    ])
    func `names the field of a route configuration`(yaml: String, reason: String) throws {
        let text = yaml.hasPrefix("name") ? yaml : "name: r\n" + yaml
        let bytes = try body(Proto.RouteConfiguration.self, text)
        expectRefusal(reason) { decoder throws(ResourceError) in
            _ = try decoder.routeConfiguration(bytes)
        }
    }

    @Test(arguments: [
        ("match: {prefix: /}", "route: is missing"),
        ("route: {cluster: c}", "match: is missing"),
        ("match: {}\nroute: {cluster: c}", "match: has no path specifier"),
        (
            "match: {safe_regex: {regex: '('}}\nroute: {cluster: c}",
            "match.safe_regex: not a regular expression that RE2 takes"
        ),
        (
            "match: {prefix: /, runtime_fraction: {}}\nroute: {cluster: c}",
            "match.runtime_fraction: is not supported"
        ),
        (
            "match: {prefix: /, cookies: [{name: x}]}\nroute: {cluster: c}",
            "match.cookies: is not supported"
        ),
        (
            "match: {prefix: /, headers: [{name: a}, {name: b, range_match: {start: 2}}]}\n"
                + "route: {cluster: c}",
            "match.headers[1].range_match: ends before it begins"
        ),
        (
            "match: {prefix: /, headers: [{name: a, string_match: {prefix: ''}}]}\n"
                + "route: {cluster: c}",
            "match.headers[0].string_match.prefix: must not be empty"
        ),
        ("match: {prefix: /}\nroute: {}", "route.cluster: is missing"),
        (
            "match: {prefix: /}\nroute: {cluster_header: x}",
            "route.cluster_header: is not supported"
        ),
        (
            "match: {prefix: /}\nroute: {weighted_clusters: {clusters: [{name: a, weight: 0}]}}",
            "route.weighted_clusters.clusters: the weights sum to zero"
        ),
        (
            "match: {prefix: /}\nroute: {weighted_clusters: {clusters: [{name: a, weight: 1}, "
                + "{name: b, weight: 4294967295}]}}",
            "route.weighted_clusters.clusters: the weights sum to more than 4294967295"
        ),
        (
            "match: {prefix: /}\nroute: {weighted_clusters: {clusters: [{name: a, weight: 1}], "
                + "total_weight: 100}}",
            "route.weighted_clusters.total_weight: the weights sum to 1"
        ),
        (
            "match: {prefix: /}\nroute: {cluster: c, timeout: -1s}",
            "route.timeout: must not be negative"
        ),
        (
            "match: {prefix: /}\nroute: {cluster: c, retry_policy: {retry_on: '5xx,foo'}}",
            "route.retry_policy.retry_on: \"foo\" is not supported"
        ),
        (
            "match: {prefix: /}\nroute: {cluster: c, hash_policy: [{filter_state: {key: x}}]}",
            "route.hash_policy[0].filter_state: is not supported"
        ),
        (
            "match: {prefix: /}\ndirect_response: {status: 200, body: {filename: /etc/passwd}}",
            "direct_response.body.filename: is not supported"
        ),
        ("match: {prefix: /}\ndirect_response: {status: 99}", "direct_response.status: must be"),
        (
            "match: {prefix: /}\nroute: {cluster: c}\n"
                + "typed_per_filter_config: {x: {'@type': type.googleapis.com/google.rpc.Status}}",
            "typed_per_filter_config: is not supported"
        ),
    ])
    func `names the field of a route`(yaml: String, reason: String) throws {
        _ = Google_Protobuf_Any.register(messageType: Google_Rpc_Status.self)
        var configuration = Proto.RouteConfiguration()
        configuration.name = "r"
        var host = Proto.VirtualHost()
        host.name = "h"
        host.domains = ["*"]
        host.routes = [try message(Proto.Route.self, yaml)]
        configuration.virtualHosts = [host]
        let bytes = configuration.bytes
        expectRefusal("virtual_hosts[0].routes[0]." + reason) { decoder throws(ResourceError) in
            _ = try decoder.routeConfiguration(bytes)
        }
    }

    @Test(arguments: [
        ("type: EDS", "eds_cluster_config.eds_config: is missing"),
        (
            "type: EDS\neds_cluster_config: {eds_config: {path: /x}}",
            "eds_cluster_config.eds_config: only ads is supported"
        ),
        ("type: STATIC", "load_assignment: is missing"),
        ("type: ORIGINAL_DST", "type: ORIGINAL_DST is not supported"),
        ("cluster_type: {}", "cluster_type: is not supported"),
        ("load_assignment: {}\nlb_policy: MAGLEV", "lb_policy: maglev is not supported"),
        ("load_assignment: {}\nlb_policy: 99", "lb_policy: 99 is not a known value"),
        ("load_assignment: {}\nlb_subset_config: {}", "lb_subset_config: is not supported"),
        (
            "load_assignment: {}\ntransport_socket: {name: x, typed_config: {'@type': "
                + "type.googleapis.com/google.rpc.Status}}",
            "transport_socket.typed_config: type.googleapis.com/google.rpc.Status is not supported"
        ),
        (
            "load_assignment: {}\ntyped_extension_protocol_options: {x: {'@type': "
                + "type.googleapis.com/google.rpc.Status}}",
            "typed_extension_protocol_options[\"x\"]: type.googleapis.com/google.rpc.Status is not"
        ),
        (
            "type: STRICT_DNS\nload_assignment: {endpoints: [{lb_endpoints: [{endpoint: {address: "
                + "{socket_address: {address: example.org, port_value: 1}}}}]}]}",
            "load_assignment.endpoints[0].lb_endpoints[0].endpoint.address.socket_address.address: "
                + "\"example.org\" is not an IP address, and names are not resolved"
        ),
        ("load_assignment: {}\nconnect_timeout: 0s", "connect_timeout: must be more than zero"),
        (
            "load_assignment: {}\nlb_policy: LEAST_REQUEST\nleast_request_lb_config: "
                + "{choice_count: 1}",
            "least_request_lb_config.choice_count: must be at least 2"
        ),
        (
            "load_assignment: {}\noutlier_detection: {max_ejection_percent: 101}",
            "outlier_detection.max_ejection_percent: must be at most 100"
        ),
    ])
    func `names the field of a cluster`(yaml: String, reason: String) throws {
        _ = Google_Protobuf_Any.register(messageType: Google_Rpc_Status.self)
        let bytes = try body(Proto.Cluster.self, "name: c\n" + yaml)
        expectRefusal(reason) { decoder throws(ResourceError) in
            _ = try decoder.cluster(bytes)
        }
    }

    @Test(arguments: [
        ("cluster_name: ''", "cluster_name: must not be empty"),
        (
            "cluster_name: c\nendpoints: [{lb_endpoints: [{}]}]",
            "endpoints[0].lb_endpoints[0].endpoint: is missing"
        ),
        ("cluster_name: c\nendpoints: [{priority: 129}]", "endpoints[0].priority: must be at most"),
        (
            "cluster_name: c\nendpoints: [{lb_endpoints: [{endpoint: {address: {pipe: "
                + "{path: /x}}}}]}]",
            "endpoints[0].lb_endpoints[0].endpoint.address.pipe: is not supported"
        ),
        (
            "cluster_name: c\nendpoints: [{lb_endpoints: [{endpoint: {address: {socket_address: "
                + "{address: 1.2.3.4, port_value: 65536}}}}]}]",
            "endpoints[0].lb_endpoints[0].endpoint.address.socket_address.port_value: must be at"
        ),
        (
            "cluster_name: c\npolicy: {drop_overloads: [{drop_percentage: {numerator: 1}}]}",
            "policy.drop_overloads: is not supported"
        ),
    ])
    func `names the field of an assignment`(yaml: String, reason: String) throws {
        let bytes = try body(Proto.ClusterLoadAssignment.self, yaml)
        expectRefusal(reason) { decoder throws(ResourceError) in
            _ = try decoder.endpointAssignment(bytes)
        }
    }

    @Test(arguments: [
        ("", "http_filters: the router is missing"),
        ("codec_type: HTTP3\n" + router, "codec_type: http3 is not supported"),
        (
            "scoped_routes: {}\n" + router, "scoped_routes: is not supported"
        ),
        (router, "rds: is missing"),
        (
            "rds: {route_config_name: r, config_source: {ads: {}, resource_api_version: V2}}\n"
                + router, "rds.config_source: resource_api_version must be V3"
        ),
        (
            "http_filters: [{name: x, config_discovery: {}}]",
            "http_filters[0].typed_config: is missing"
        ),
    ])
    func `names the field of a connection manager`(
        yaml: String, reason: String
    ) throws {
        let manager = try message(Proto.HTTPConnectionManager.self, "stat_prefix: s\n" + yaml)
        let bytes = try listenerBody(manager)
        let path = "filter_chains[0].filters[0].typed_config."
        expectRefusal(path + reason) { decoder throws(ResourceError) in
            _ = try decoder.listener(bytes)
        }
    }

    @Test(arguments: [
        ("{upgrade_type: CONNECT}", "[0].upgrade_type: CONNECT is not supported"),
        ("{upgrade_type: a}, {}", "[1].upgrade_type: must not be empty"),
        ("{upgrade_type: a, filters: [{name: x}]}", "[0].filters: is not supported"),
    ])
    func `names the field of an upgrade`(upgrades: String, reason: String) throws {
        let yaml = """
            stat_prefix: s
            rds: {route_config_name: r, config_source: {ads: {}}}
            upgrade_configs: [\(upgrades)]
            \(Self.router)
            """
        let manager = try message(Proto.HTTPConnectionManager.self, yaml)
        let bytes = try listenerBody(manager)
        let path = "filter_chains[0].filters[0].typed_config.upgrade_configs"
        expectRefusal(path + reason) { decoder throws(ResourceError) in
            _ = try decoder.listener(bytes)
        }
    }

    @Test func `is refused when a filter is unknown, unless it is optional`() throws {
        var manager = try message(
            Proto.HTTPConnectionManager.self,
            "stat_prefix: s\nrds: {route_config_name: r, config_source: {ads: {}}}\n" + Self.router)
        var filter = Proto.HTTPFilter()
        filter.name = "guard"
        filter.typedConfig.typeURL = "type.googleapis.com/example.Guard"
        manager.httpFilters.insert(filter, at: 0)
        let bytes = try listenerBody(manager)
        let path = "filter_chains[0].filters[0].typed_config.http_filters[0]"
        expectRefusal(path + ".typed_config: type.googleapis.com/example.Guard is not supported") {
            decoder throws(ResourceError) in
            _ = try decoder.listener(bytes)
        }
        manager.httpFilters[0].isOptional = true
        var decoder = ResourceDecoder()
        #expect(try decoder.listener(listenerBody(manager)).name == "l")
        manager.httpFilters.swapAt(0, 1)
        let swapped = try listenerBody(manager)
        expectRefusal(path + ": the router must be the last filter") {
            decoder throws(ResourceError) in
            _ = try decoder.listener(swapped)
        }
    }

    @Test(arguments: [
        ("address: {pipe: {path: /x}}", "address.pipe: is not supported"),
        ("use_original_dst: true", "use_original_dst: is not supported"),
        ("api_listener: {}", "api_listener: is not supported"),
        ("bind_to_port: false", "bind_to_port: is not supported"),
        ("listener_filters: [{name: x}]", "listener_filters[0]: \"x\" is not supported"),
        ("filter_chains: []", "filter_chains: must not be empty"),
        (
            "filter_chains: [{}, {}]",
            "filter_chains[1].filter_chain_match: is that of a chain before it"
        ),
        ("filter_chains: [{}]", "filter_chains[0].filters: must not be empty"),
        (
            "filter_chains: [{transport_socket: {name: x}}]",
            "filter_chains[0].transport_socket.typed_config: is missing"
        ),
        (
            "default_filter_chain: {filters: [{name: x}]}",
            "default_filter_chain.filters[0].typed_config: is missing"
        ),
    ])
    func `names the field of a listener`(yaml: String, reason: String) throws {
        let address = "address: {socket_address: {address: 127.0.0.1, port_value: 0}}\n"
        let text = yaml.hasPrefix("address") ? yaml : address + yaml
        let bytes = try body(Proto.Listener.self, "name: l\n" + text)
        expectRefusal(reason) { decoder throws(ResourceError) in
            _ = try decoder.listener(bytes)
        }
    }

    @Test func `is refused when it has a filter chain match that is not known`() throws {
        var listener = try message(
            Proto.Listener.self,
            "name: l\naddress: {socket_address: {address: '::1', port_value: 1}}\n"
                + "filter_chains: [{filters: [{name: x}]}]")
        // application_protocols of FilterChainMatch are known, destination_port, field 8, is not
        listener.filterChains[0].filterChainMatch.applicationProtocols = ["h2"]
        try listener.filterChains[0].filterChainMatch.merge(serializedBytes: [0x42, 0x00])
        let bytes = listener.bytes
        let path = "filter_chains[0].filter_chain_match.a condition on addresses or ports"
        expectRefusal(path + ": is not supported") { decoder throws(ResourceError) in
            _ = try decoder.listener(bytes)
        }
    }
}

@Suite struct `An unknown field` {
    private let bytes: [UInt8] = {
        var cluster = Proto.Cluster()
        cluster.name = "c"
        cluster.loadAssignment.clusterName = "c"
        // Field 1000 of the assignment as a varint, field 1001 of the cluster as a string.
        try? cluster.loadAssignment.merge(serializedBytes: [0xC0, 0x3E, 0x01])
        try? cluster.merge(serializedBytes: [0xCA, 0x3E, 0x02, 0x61, 0x62])
        return cluster.bytes
    }()

    @Test func `is noted with its message and number`() throws {
        var decoder = ResourceDecoder()
        #expect(try decoder.cluster(bytes).name == "c")
        #expect(decoder.unknownFieldCount == 2)
        #expect(
            decoder.unknownFields.map(\.description).sorted() == [
                "unknown field 1000 of envoy.config.endpoint.v3.ClusterLoadAssignment",
                "unknown field 1001 of envoy.config.cluster.v3.Cluster",
            ])
    }

    @Test func `is refused if so wished`() {
        var decoder = ResourceDecoder(rejectsUnknownFields: true)
        let error = #expect(throws: ResourceError.self) { try decoder.cluster(bytes) }
        #expect(error?.reason.contains("unknown field 1000") == true)
    }
}

@Suite struct `A response` {
    @Test func `is refused as a whole, with each resource that is wrong`() throws {
        var decoder = ResourceDecoder()
        let good = try Cluster(name: "good", discovery: .eds(serviceName: "good")).resource
        let entries =
            [
                good, good, try EndpointAssignment(clusterName: "x").resource,
            ].map { DiscoveryResponse.Entry(typeURL: $0.type.typeURL, body: $0.body) }
            + [DiscoveryResponse.Entry(typeURL: ResourceType.cluster.typeURL, body: [0xFF])]
        let error = #expect(throws: ResponseError.self) { try decoder.decode(.cluster, entries) }
        #expect(error?.errorCount == 3)
        #expect(
            error?.description == """
                Cluster "good": name: stands twice; \
                Cluster: is a \(ResourceType.endpointAssignment.typeURL); \
                Cluster: not a readable envoy.config.cluster.v3.Cluster
                """)
    }

    @Test func `tells only so much of what is wrong`() {
        var decoder = ResourceDecoder()
        let entry = DiscoveryResponse.Entry(
            typeURL: String(repeating: "x", count: 1000), body: [])
        let error = #expect(throws: ResponseError.self) {
            try decoder.decode(.cluster, Array(repeating: entry, count: 100))
        }
        #expect(error?.errorCount == 100)
        #expect((error?.description.utf8.count ?? 0) <= ResponseError.textLimit + 3)
    }

    @Test func `and a request come back from their bytes`() throws {
        let request = DiscoveryRequest(
            typeURL: "t", version: "3",
            node: NodeIdentity(
                id: "n", cluster: "c",
                metadata: ["a": .list([.null, .bool(true), .number(1.5)]), "b": .object([:])],
                zone: "z", userAgentVersion: "1", clientFeatures: ["f"]),
            resourceNames: ["x"], responseNonce: "n", errorDetail: "")
        #expect(try DiscoveryRequest(decoding: request.encoded) == request)
        let response = DiscoveryResponse(
            typeURL: "t", version: "3", nonce: "n",
            resources: [.init(typeURL: "u", body: [1, 2])], controlPlane: "me")
        #expect(try DiscoveryResponse(decoding: response.encoded) == response)
        #expect(throws: DiscoveryError.unreadableMessage) {
            try DiscoveryResponse(decoding: [0xFF])
        }
    }
}

private func listenerBody(_ manager: Proto.HTTPConnectionManager) throws -> [UInt8] {
    var listener = try message(
        Proto.Listener.self,
        "name: l\naddress: {socket_address: {address: '::1', port_value: 1}}\n"
            + "filter_chains: [{filters: [{name: x}]}]")
    listener.filterChains[0].filters[0].typedConfig = manager.packed
    return listener.bytes
}

private func expectRefusal(
    _ reason: String, _ decode: (inout ResourceDecoder) throws(ResourceError) -> Void,
    location: SourceLocation = #_sourceLocation
) {
    var decoder = ResourceDecoder()
    do throws(ResourceError) {
        try decode(&decoder)
        Issue.record("was accepted", sourceLocation: location)
    } catch {
        let text = error.path.isEmpty ? error.reason : "\(error.path): \(error.reason)"
        #expect(text.hasPrefix(reason), sourceLocation: location)
    }
}
