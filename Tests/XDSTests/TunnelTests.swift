import Mesh
import SwiftProtobuf
import Testing
import XDS

@Suite struct `A TCP proxy` {
    private func listener(_ yaml: String) throws -> [UInt8] {
        var listener = try message(
            Proto.Listener.self,
            "name: l\nstat_prefix: outer\n"
                + "address: {socket_address: {address: '::1', port_value: 1}}\n"
                + "filter_chains: [{filters: [{name: x}]}]")
        listener.filterChains[0].filters[0].typedConfig =
            try message(Proto.TCPProxy.self, yaml).packed
        return listener.bytes
    }

    private func rules(_ yaml: String) throws -> TunnelRules? {
        var decoder = ResourceDecoder(rejectsUnknownFields: true)
        guard case .tunnel(let rules) = try decoder.listener(try listener(yaml)).routes else {
            return nil
        }
        return rules
    }

    @Test func `has Envoy's defaults`() throws {
        let rules = try #require(try rules("{stat_prefix: s, cluster: a}"))
        #expect(rules.destination == .cluster("a"))
        #expect(rules.idleTimeout == .seconds(3600))
        #expect(rules.maximumConnectAttempts == 1)
        #expect(rules.routes.clusterReferences.map(\.name) == ["a"])
    }

    @Test func `is read whole`() throws {
        let rules = try #require(
            try rules(
                """
                stat_prefix: s
                weighted_clusters: {clusters: [{name: a, weight: 95}, {name: b, weight: 5}]}
                idle_timeout: 0s
                max_connect_attempts: 3
                upstream_connect_mode: IMMEDIATE
                """))
        let split = try WeightedClusters(entries: [
            try WeightedClusters.Entry(name: "a", weight: 95),
            try WeightedClusters.Entry(name: "b", weight: 5),
        ])
        #expect(rules.destination == .weighted(split))
        #expect(rules.idleTimeout == nil)
        #expect(rules.maximumConnectAttempts == 3)
        #expect(rules.routes.virtualHosts[0].routes[0].name == "s")
    }

    @Test(arguments: [
        ("{}", "cluster: is missing"),
        ("cluster: ''", "cluster: must not be empty"),
        ("weighted_clusters: {}", "weighted_clusters.clusters: must not be empty"),
        (
            "weighted_clusters: {clusters: [{weight: 1}]}",
            "weighted_clusters.clusters[0].name: must not be empty"
        ),
        (
            "weighted_clusters: {clusters: [{name: a, weight: 1}, {name: b}]}",
            "weighted_clusters.clusters[1].weight: must be more than zero"
        ),
        (
            "weighted_clusters: {clusters: [{name: a, weight: 1, metadata_match: {}}]}",
            "weighted_clusters.clusters[0].metadata_match: is not supported"
        ),
        ("cluster: a\nidle_timeout: -1s", "idle_timeout: must not be negative"),
        ("cluster: a\nmax_connect_attempts: 0", "max_connect_attempts: must be 1…100"),
        ("cluster: a\nmax_connect_attempts: 101", "max_connect_attempts: must be 1…100"),
        ("cluster: a\ndownstream_idle_timeout: 1s", "downstream_idle_timeout: is not supported"),
        ("cluster: a\nupstream_idle_timeout: 1s", "upstream_idle_timeout: is not supported"),
        ("cluster: a\nmetadata_match: {}", "metadata_match: is not supported"),
        ("cluster: a\nhash_policy: [{}]", "hash_policy: is not supported"),
        ("cluster: a\ntunneling_config: {}", "tunneling_config: is not supported"),
        (
            "cluster: a\nmax_downstream_connection_duration: 1s",
            "max_downstream_connection_duration: is not supported"
        ),
        ("cluster: a\non_demand: {}", "on_demand: is not supported"),
        (
            "cluster: a\naccess_log_flush_interval: 1s",
            "access_log_flush_interval: is not supported"
        ),
        (
            "cluster: a\nflush_access_log_on_connected: true",
            "flush_access_log_on_connected: is not supported"
        ),
        ("cluster: a\naccess_log_options: {}", "access_log_options: is not supported"),
        ("cluster: a\nbackoff_options: {}", "backoff_options: is not supported"),
        ("cluster: a\nproxy_protocol_tlvs: [{}]", "proxy_protocol_tlvs: is not supported"),
        (
            "cluster: a\nupstream_connect_mode: ON_DOWNSTREAM_DATA",
            "upstream_connect_mode: is not supported"
        ),
        ("cluster: a\nmax_early_data_bytes: 1", "max_early_data_bytes: is not supported"),
        ("cluster: a\naccess_log: [{}]", "access_log[0].typed_config: is missing"),
    ])
    func `names the field that is wrong`(yaml: String, reason: String) throws {
        let bytes = try listener(yaml)
        var decoder = ResourceDecoder()
        do {
            _ = try decoder.listener(bytes)
            Issue.record("\(yaml) was taken")
        } catch {
            #expect(
                error.path + ": " + error.reason
                    == "filter_chains[0].filters[0].typed_config." + reason)
        }
    }
}
