import Mesh
import SwiftProtobuf

extension Proto.TCPProxy {
    init(_ rules: TunnelRules, statPrefix: String, accessLog: [Proto.AccessLog]) {
        self.init()
        self.statPrefix = statPrefix
        self.accessLog = accessLog
        switch rules.destination {
        case .cluster(let name): cluster = name
        case .weighted(let split):
            weightedClusters.clusters = split.entries.map { entry in
                var share = WeightedCluster.ClusterWeight()
                share.name = entry.name
                share.weight = entry.weight
                return share
            }
        }
        if rules.idleTimeout != TunnelRules.defaultIdleTimeout {
            idleTimeout = .init(limit: rules.idleTimeout)
        }
        if rules.maximumConnectAttempts > 1 {
            maxConnectAttempts = .init(rules.maximumConnectAttempts)
        }
    }
}

extension Proto.Filter {
    static func tcpProxy(_ proxy: Proto.TCPProxy) -> Self {
        var filter = Self()
        filter.name = "envoy.filters.network.tcp_proxy"
        filter.typedConfig = proxy.packed
        return filter
    }
}
