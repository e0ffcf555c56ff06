import Mesh
import Telemetry

extension MetricsReport {
    func appendConfiguration(to text: inout MetricsText) {
        text.begin(
            "mesh_config_revision", .gauge,
            help: "What the control plane calls the configuration in effect, where it is a number.")
        for (kind, version) in configurationVersions {
            guard let revision = UInt64(version) else { continue }
            text.sample(revision, labels: [MetricLabel("type", kind)])
        }
        text.begin(
            "mesh_config_info", .gauge,
            help: "What the control plane calls the configuration in effect, as labels of a 1.")
        for (kind, version) in configurationVersions where !version.isEmpty {
            text.sample(
                UInt64(1), labels: [MetricLabel("type", kind), MetricLabel("version", version)])
        }
        if let configurationAgeNanoseconds {
            text.begin(
                "mesh_config_age_seconds", .gauge,
                help: "Time since the configuration in effect was applied.")
            text.sample(Double(configurationAgeNanoseconds) / 1e9)
        }
        text.begin(
            "mesh_route_weight", .gauge, help: "The share that a route gives to a cluster, 0 to 1.")
        for weight in routeWeights.prefix(Self.maximumConfiguredSeriesCount) {
            text.sample(
                weight.share,
                labels: [
                    MetricLabel("route", weight.route), MetricLabel("cluster", weight.cluster),
                ])
        }
    }

    func appendDiscovery(to text: inout MetricsText) {
        text.begin("mesh_xds_connected", .gauge, help: "1 while the control plane is connected.")
        text.sample(discovery.isConnected.value)
        text.begin("mesh_xds_connects_total", .counter, help: "Streams that were tried.")
        text.sample(discovery.connects.value)
        text.begin("mesh_xds_disconnects_total", .counter, help: "Streams that failed or ended.")
        text.sample(discovery.disconnects.value)
        text.begin(
            "mesh_config_applied_total", .counter,
            help: "Configurations that were put in effect on every worker.")
        text.sample(discovery.applied.value)
        text.begin("mesh_xds_updates_total", .counter, help: "Answers that were acknowledged.")
        for kind in DiscoveryMetrics.ResourceKind.allCases {
            text.sample(
                discovery.updateCount(of: kind), labels: [MetricLabel("type", kind.label)])
        }
        text.begin("mesh_xds_rejections_total", .counter, help: "Answers that were refused.")
        for kind in DiscoveryMetrics.ResourceKind.allCases {
            text.sample(
                discovery.rejectionCount(of: kind), labels: [MetricLabel("type", kind.label)])
        }
    }

    private var configurationVersions: [(kind: String, version: String)] {
        guard let versions = snapshot?.versions else { return [] }
        return [
            ("lds", versions.listeners), ("rds", versions.routes), ("cds", versions.clusters),
            ("eds", versions.endpoints), ("sds", versions.secrets),
        ]
    }

    /// What every named route gives to each cluster, once for each route and cluster.
    private var routeWeights: [(route: String, cluster: String, share: Double)] {
        guard let snapshot else { return [] }
        var weights: [(route: String, cluster: String, share: Double)] = []
        var seen: Set<String> = []
        for configuration in snapshot.allRouteConfigurations {
            for route in configuration.virtualHosts.flatMap(\.routes) {
                guard case .forward(let action) = route.action, !route.name.isEmpty,
                    seen.insert(route.name).inserted
                else { continue }
                var shares: [String: Double] = [:]
                switch action.destination {
                case .cluster(let name): shares[name] = 1
                case .weighted(let clusters):
                    for entry in clusters.entries {
                        shares[entry.name, default: 0] +=
                            Double(entry.weight) / Double(clusters.totalWeight)
                    }
                }
                for (cluster, share) in shares.sorted(by: { $0.key < $1.key }) {
                    weights.append((route.name, cluster, share))
                }
            }
        }
        return weights
    }
}

extension Snapshot {
    /// Also those that stand in their listener, in a stable order.
    fileprivate var allRouteConfigurations: [RouteConfiguration] {
        let inline = listeners.sorted { $0.key < $1.key }.compactMap(\.value.inlineRoutes)
        return routeConfigurations.sorted { $0.key < $1.key }.map(\.value) + inline
    }
}
