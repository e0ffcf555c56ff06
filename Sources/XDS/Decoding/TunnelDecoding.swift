import Mesh
import SwiftProtobuf

extension ResourceDecoder {
    /// The listener whose connections `proxy` forwards as they are.
    mutating func tunnelled(
        _ message: Proto.Listener, host: String, port: UInt16, by proxy: Proto.TCPProxy
    ) throws(MeshError) -> Listener {
        try refuseUnsupported(in: proxy)
        let statPrefix = proxy.statPrefix.isEmpty ? message.statPrefix : proxy.statPrefix
        let rules = try TunnelRules(
            destination: try destination(of: proxy),
            idleTimeout: proxy.hasIdleTimeout
                ? try proxy.idleTimeout.limit("idle_timeout") : TunnelRules.defaultIdleTimeout,
            maximumConnectAttempts: proxy.hasMaxConnectAttempts
                ? proxy.maxConnectAttempts.value : 1,
            name: statPrefix)
        let listener = try Listener(
            name: message.name, host: host, port: port,
            direction: try direction(of: message), routes: .tunnel(rules), statPrefix: statPrefix,
            accessLogPath: try accessLogPath(proxy.accessLog))
        try noteUnknownFields(of: proxy)
        return listener
    }

    private func refuseUnsupported(in proxy: Proto.TCPProxy) throws(MeshError) {
        try refuse(proxy.hasDownstreamIdleTimeout, "downstream_idle_timeout")
        try refuse(proxy.hasUpstreamIdleTimeout, "upstream_idle_timeout")
        try refuse(proxy.hasMetadataMatch, "metadata_match")
        try refuse(!proxy.hashPolicy.isEmpty, "hash_policy")
        try refuse(proxy.hasTunnelingConfig, "tunneling_config")
        try refuse(
            proxy.hasMaxDownstreamConnectionDuration, "max_downstream_connection_duration")
        try refuse(proxy.hasOnDemand, "on_demand")
        try refuse(proxy.hasAccessLogFlushInterval, "access_log_flush_interval")
        try refuse(proxy.flushAccessLogOnConnected, "flush_access_log_on_connected")
        try refuse(proxy.hasAccessLogOptions, "access_log_options")
        try refuse(proxy.hasBackoffOptions, "backoff_options")
        try refuse(!proxy.proxyProtocolTlvs.isEmpty, "proxy_protocol_tlvs")
        try refuse(proxy.upstreamConnectMode != .immediate, "upstream_connect_mode")
        try refuse(proxy.hasMaxEarlyDataBytes, "max_early_data_bytes")
    }

    private func destination(
        of proxy: Proto.TCPProxy
    ) throws(MeshError) -> ForwardAction.Destination {
        switch proxy.clusterSpecifier {
        case .cluster(let name): return .cluster(name)
        case .weightedClusters(let split):
            let entries = try MeshError.at("weighted_clusters") { () throws(MeshError) in
                try mapping(split.clusters, "clusters") { share throws(MeshError) in
                    try refuse(share.hasMetadataMatch, "metadata_match")
                    return try WeightedClusters.Entry(name: share.name, weight: share.weight)
                }
            }
            return .weighted(
                try MeshError.at("weighted_clusters") { () throws(MeshError) in
                    try WeightedClusters(entries: entries)
                })
        case nil: throw MeshError("cluster", "is missing")
        }
    }
}
