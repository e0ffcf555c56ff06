import Mesh
import Testing
import XDS

@Suite struct `A bootstrap file` {
    @Test func `says who the proxy is, what it serves and whom it asks`() throws {
        let bootstrap = try Bootstrap(parsing: Array(Self.whole.utf8))
        #expect(bootstrap.node.id == "sidecar-1")
        #expect(bootstrap.node.cluster == "client")
        #expect(
            bootstrap.node.metadata == [
                "outbound_address": .string("127.0.0.1:15002"),
                "labels": .object(["canary": .bool(true), "n": .number(3)]),
            ])
        #expect(bootstrap.admin == Bootstrap.HostAndPort(host: "127.0.0.1", port: 15000))
        #expect(bootstrap.controlPlane?.addresses.map(\.description) == ["control.local:7401"])
        #expect(bootstrap.controlPlane?.authority == "xds")
        #expect(bootstrap.controlPlane?.discoversListeners == true)
        #expect(bootstrap.clusters.map(\.name) == ["reviews"])
        let listener = try #require(bootstrap.listeners.first)
        #expect(listener.port == 15001)
        guard case .inline(let routes) = listener.routes,
            case .forward(let action)? = routes.virtualHosts.first?.routes.first?.action
        else {
            Issue.record("no forwarding route")
            return
        }
        #expect(action.clusterNames == ["reviews"])
        #expect(bootstrap.staticSnapshot.missingReferences.isEmpty)
    }

    @Test func `may be JSON, and may be empty`() throws {
        let text =
            #"{"node": {"id": "a", "cluster": "b"}, "admin": {"address": {"socketAddress": "#
            + #"{"address": "::1", "portValue": 9}}}}"#
        let bootstrap = try Bootstrap(parsing: Array(text.utf8))
        #expect(bootstrap.admin?.description == "[::1]:9")
        #expect(bootstrap.controlPlane == nil)
        #expect(try Bootstrap(parsing: Array("{}".utf8)).listeners.isEmpty)
    }

    @Test(arguments: [
        ("layered_runtime: {}", "layered_runtime: is not known or not supported (line 1)"),
        (
            "static_resources:\n  listeners:\n  - name: a\n  - {name: b, foo: 1}",
            "static_resources.listeners[1].foo: is not known or not supported (line 4)"
        ),
        (
            "static_resources:\n  listeners:\n  - name: a\n    address:\n      socket_address:\n"
                + "        port_value: x",
            "static_resources.listeners[0].address.socket_address.port_value: \"x\" is not a valid "
                + "value (line 6)"
        ),
        (
            "static_resources:\n  listeners:\n  - name: a\n    filter_chains:\n    - filters:\n"
                + "      - typed_config: {'@type': type.googleapis.com/example.Guard, a: 1}",
            "static_resources.listeners[0].filter_chains[0].filters[0].typed_config: "
                + "type.googleapis.com/example.Guard is not supported (line 6)"
        ),
        (
            "static_resources:\n  listeners:\n  - name: a\n    filter_chains:\n    - filters:\n"
                + "      - typed_config:\n          '@type': \(httpConnectionManager)\n"
                + "          stat_prefix: x\n          tracing: {}",
            "static_resources.listeners[0].filter_chains[0].filters[0].typed_config.tracing: "
                + "is not known or not supported (line 9)"
        ),
        (
            "static_resources: {clusters: [{name: a, type: FOO}]}",
            "static_resources.clusters[0].type: \"FOO\" is not a valid value (line 1)"
        ),
        (
            "static_resources: {clusters: [{name: a, type: STATIC, cluster_type: {}}]}",
            "static_resources.clusters[0]: has fields that exclude each other (line 1)"
        ),
        ("admin: 5", "admin: \"5\" is not a valid value (line 1)"),
        ("- a", "must not be a list"),
        (
            "static_resources: {clusters: [{name: a}]}",
            "static_resources.clusters[0].load_assignment: is missing (line 1)"
        ),
        (
            "static_resources: {clusters: [{name: a, load_assignment: {}},\n"
                + "  {name: a, load_assignment: {}}]}",
            "static_resources.clusters[1].name: \"a\" stands twice (line 2)"
        ),
        (
            "dynamic_resources: {ads_config: {api_type: DELTA_GRPC}}",
            "dynamic_resources.ads_config.api_type: only GRPC is supported (line 1)"
        ),
        (
            "dynamic_resources: {lds_config: {ads: {}}}",
            "dynamic_resources.lds_config without ads_config: is not supported (line 1)"
        ),
        (
            "dynamic_resources: {ads_config: {api_type: GRPC, transport_api_version: V3, "
                + "grpc_services: [{envoy_grpc: {cluster_name: x}}]}}",
            "dynamic_resources.ads_config.grpc_services[0].envoy_grpc.cluster_name: "
                + "static_resources has no cluster \"x\" (line 1)"
        ),
        ("a: [", "line 2, column 1: did not find expected node content"),
    ])
    func `is refused with the path of the wrong field`(text: String, message: String) {
        let error = #expect(throws: BootstrapError.self) {
            try Bootstrap(parsing: Array(text.utf8))
        }
        #expect(error?.description == message)
    }

    @Test func `says how the control plane is to be spoken with over TLS`() throws {
        let secured = Self.whole.replacing(
            "    type: STRICT_DNS\n", with: "    type: STRICT_DNS\n" + tls)
        let bootstrap = try Bootstrap(parsing: Array(secured.utf8))
        let security = try #require(bootstrap.controlPlane?.security)
        #expect(security.serverName == "control.mesh")
        #expect(bootstrap.clusters.map(\.name) == ["reviews"])
        let circular = secured.replacing(
            "validation_context: {", with: circularSecret + "validation_context: {")
        let error = #expect(throws: BootstrapError.self) {
            try Bootstrap(parsing: Array(circular.utf8))
        }
        #expect(
            error?.description.contains(
                "transport_socket: takes a secret over the very connection that it secures")
                ?? false)
    }

    @Test(arguments: [
        ("cluster: client", "cluster: ''", "node.cluster: must not be empty (line 3)"),
        (
            "explicit_http_config: { http2_protocol_options: {} }",
            "explicit_http_config: { http_protocol_options: {} }",
            "static_resources.clusters[1].typed_extension_protocol_options: "
                + "http2_protocol_options are missing, and gRPC is spoken over HTTP/2 (line 51)"
        ),
        (
            "route: { cluster: reviews }", "route: { cluster: ratings }",
            "static_resources.listeners: unknown cluster \"ratings\" at "
                + "virtual_hosts[0].routes[0].route (line 11)"
        ),
        (
            "lds_config: { ads: {}, resource_api_version: V3 }", "lds_config: { ads: {} }",
            "dynamic_resources.lds_config.resource_api_version: must be V3 (line 59)"
        ),
    ])
    func `that is whole is refused for a detail`(old: String, new: String, message: String) {
        let text = Self.whole.replacing(old, with: new)
        let error = #expect(throws: BootstrapError.self) {
            try Bootstrap(parsing: Array(text.utf8))
        }
        #expect(error?.description == message)
    }

    @Test func `has a short form`() {
        let bootstrap = Bootstrap(
            node: NodeIdentity(id: "i", cluster: "c"), admin: nil,
            control: Bootstrap.HostAndPort(host: "127.0.0.1", port: 7401))
        #expect(bootstrap.controlPlane?.authority == "127.0.0.1:7401")
        #expect(bootstrap.staticSnapshot == Snapshot())
    }
}

private let httpConnectionManager =
    "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3"
    + ".HttpConnectionManager"

extension `A bootstrap file` {
    static let whole = """
        node:
          id: sidecar-1
          cluster: client
          metadata:
            outbound_address: 127.0.0.1:15002
            labels: { canary: true, n: 3 }
        admin:
          address: { socket_address: { address: 127.0.0.1, port_value: 15000 } }
        static_resources:
          listeners:
          - name: outbound
            address: { socket_address: { address: 127.0.0.1, port_value: 15001 } }
            traffic_direction: OUTBOUND
            filter_chains:
            - filters:
              - name: envoy.filters.network.http_connection_manager
                typed_config:
                  "@type": \(httpConnectionManager)
                  stat_prefix: outbound
                  route_config:
                    name: local
                    virtual_hosts:
                    - name: reviews
                      domains: ["*"]
                      routes:
                      - match: { prefix: / }
                        route: { cluster: reviews }
                  http_filters:
                  - name: envoy.filters.http.router
                    typed_config:
                      "@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router
          clusters:
          - name: reviews
            connect_timeout: 0.25s
            type: STATIC
            load_assignment:
              cluster_name: reviews
              endpoints:
              - lb_endpoints:
                - endpoint:
                    address: { socket_address: { address: 127.0.0.1, port_value: 9001 } }
          - name: xds
            type: STRICT_DNS
            load_assignment:
              cluster_name: xds
              endpoints:
              - lb_endpoints:
                - endpoint:
                    address: { socket_address: { address: control.local, port_value: 7401 } }
            typed_extension_protocol_options:
              envoy.extensions.upstreams.http.v3.HttpProtocolOptions:
                "@type": type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions
                explicit_http_config: { http2_protocol_options: {} }
        dynamic_resources:
          ads_config:
            api_type: GRPC
            transport_api_version: V3
            grpc_services: [{ envoy_grpc: { cluster_name: xds } }]
          lds_config: { ads: {}, resource_api_version: V3 }
          cds_config: { ads: {}, resource_api_version: V3, initial_fetch_timeout: 2s }
        """
}

private let type =
    "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext"
private let tls =
    "    transport_socket: { name: tls, typed_config: { \"@type\": \(type), sni: control.mesh,\n"
    + "      common_tls_context: { alpn_protocols: [h2], validation_context: {\n"
    + "        trusted_ca: { filename: /mesh/roots.pem }, match_typed_subject_alt_names:\n"
    + "          [{ san_type: URI, matcher: { exact: \"spiffe://m/c\" } }] } } } }\n"
private let circularSecret =
    "tls_certificate_sds_secret_configs:\n"
    + "        [{ name: own, sds_config: { ads: {}, resource_api_version: V3 } }],\n        "
