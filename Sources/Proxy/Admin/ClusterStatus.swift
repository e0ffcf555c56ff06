import Balancing
import Mesh

/// The clusters in effect with their endpoints, as `/clusters` shows them.
struct ClusterStatus {
    let state: AdminState
    let endpoints: [String: [EndpointSummary]]

    func response(to request: AdminRequest) -> AdminResponse {
        let clusters = (state.snapshot?.clusters ?? [:]).sorted { $0.key < $1.key }
        if request.wantsJSON {
            let statuses = clusters.map { json($0.key, $0.value) }
            return AdminResponse(.object([("cluster_statuses", .array(statuses))]))
        }
        return AdminResponse(text: clusters.map { text($0.key, $0.value) }.joined())
    }

    private var isDynamic: Bool { state.snapshot?.versions.clusters.isEmpty == false }

    private func text(_ name: String, _ cluster: Cluster) -> String {
        let prefix = name.onOneLine
        var lines = ["observability_name::\(prefix)"]
        for (name, limit) in cluster.circuitBreakers.thresholds {
            lines.append("default_priority::\(name)::\(limit)")
        }
        lines.append("added_via_api::\(isDynamic)")
        for endpoint in endpoints[name] ?? [] {
            let address = endpoint.address.description.onOneLine
            for (name, value) in endpoint.facts { lines.append("\(address)::\(name)::\(value)") }
        }
        return lines.map { "\(prefix)::\($0)\n" }.joined()
    }

    private func json(_ name: String, _ cluster: Cluster) -> JSONValue {
        let thresholds = cluster.circuitBreakers.thresholds.map {
            ($0.name, JSONValue.number(UInt64($0.limit)))
        }
        return .object([
            ("name", .string(name)),
            ("added_via_api", .bool(isDynamic)),
            ("host_statuses", .array((endpoints[name] ?? []).map(\.json))),
            ("circuit_breakers", .object([("thresholds", .array([.object(thresholds)]))])),
            ("observability_name", .string(name)),
        ])
    }
}

extension CircuitBreakers {
    fileprivate var thresholds: [(name: String, limit: UInt32)] {
        [
            ("max_connections", connections), ("max_pending_requests", pendingRequests),
            ("max_requests", requests), ("max_retries", retries),
        ]
    }
}

extension EndpointSummary {
    fileprivate var counts: [(name: String, isGauge: Bool, value: UInt64)] {
        [
            ("cx_active", true, UInt64(statistics.activeConnections)),
            ("cx_connect_fail", false, statistics.connectFailures),
            ("cx_total", false, statistics.connections),
            ("rq_active", true, UInt64(statistics.activeRequests)),
            ("rq_error", false, statistics.errors),
            ("rq_success", false, statistics.successes),
            ("rq_timeout", false, statistics.timeouts),
            ("rq_total", false, statistics.requests),
        ]
    }

    /// What a line of text says after the address.
    fileprivate var facts: [(name: String, value: String)] {
        counts.map { ($0.name, String($0.value)) } + [
            ("hostname", ""), ("health_flags", healthFlags), ("weight", String(weight)),
            ("region", locality.region.onOneLine), ("zone", locality.zone.onOneLine),
            ("sub_zone", locality.subZone.onOneLine), ("canary", "false"),
            ("priority", String(priority)), ("success_rate", "-1"),
            ("local_origin_success_rate", "-1"),
        ]
    }

    private var healthFlags: String {
        var flags = ""
        if ejection != .none { flags += "/failed_outlier_check" }
        switch health {
        case .unhealthy, .draining, .timeout: flags += "/failed_eds_health"
        case .degraded: flags += "/degraded_eds_health"
        case .unknown, .healthy: break
        }
        return flags.isEmpty ? "healthy" : flags
    }

    /// The endpoint as `envoy.admin.v3.HostStatus`.
    fileprivate var json: JSONValue {
        let stats = counts.map { name, isGauge, value in
            JSONValue.object([
                ("type", .string(isGauge ? "GAUGE" : "COUNTER")), ("name", .string(name)),
                ("value", .longNumber(value)),
            ])
        }
        var status: [(String, JSONValue)] = [("eds_health_status", .string(health.label))]
        if ejection != .none { status.append(("failed_outlier_check", .bool(true))) }
        return .object([
            ("address", .socketAddress(address.host, address.port)),
            ("stats", .array(stats)),
            ("health_status", .object(status)),
            ("weight", .number(UInt64(weight))),
            ("priority", .number(UInt64(priority))),
            (
                "locality",
                .object([
                    ("region", .string(locality.region)), ("zone", .string(locality.zone)),
                    ("sub_zone", .string(locality.subZone)),
                ])
            ),
        ])
    }
}

extension Endpoint.Health {
    /// The name in `envoy.config.core.v3.HealthStatus`; Envoy shows no opinion as healthy.
    fileprivate var label: String {
        switch self {
        case .unknown, .healthy: "HEALTHY"
        case .unhealthy: "UNHEALTHY"
        case .draining: "DRAINING"
        case .timeout: "TIMEOUT"
        case .degraded: "DEGRADED"
        }
    }
}
