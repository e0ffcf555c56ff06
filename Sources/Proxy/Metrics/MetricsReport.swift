import Balancing
import Kernel
import Mesh
import Telemetry

/// Everything that a scrape shows, collected at a moment on the main loop.
struct MetricsReport {
    var summary: MetricsSummary
    /// By the name of the cluster.
    var limits: [String: ClusterLimits]
    var discovery: DiscoveryMetrics
    /// The configuration in effect; `nil` before there is one.
    var snapshot: Snapshot?
    var usage: ProcessUsage
    var version: String
    var workerCount: Int
    /// Since the process started.
    var uptimeNanoseconds: UInt64
    /// Since the configuration in effect was applied; `nil` before there is one.
    var configurationAgeNanoseconds: UInt64?
    var isReady: Bool
    var droppedLogLineCount: UInt64
    /// When certificates that are presented end being good, in seconds since 1970.
    var expiries: [(side: Refusal.Side, expiry: Int64)] = []
    /// `nil` where the sidecar has no identity of its own.
    var identity: IdentityReport?

    /// Most series of one family that come from the configuration, such as weights of routes.
    static let maximumConfiguredSeriesCount = 2000

    /// Renders all of it for Prometheus.
    func text() -> MetricsText {
        var text = MetricsText()
        appendRequests(to: &text)
        appendUpstream(to: &text)
        appendOverflows(to: &text)
        appendDownstream(to: &text)
        appendDownstreamHTTP2(to: &text)
        appendSecurity(to: &text)
        appendIdentity(to: &text)
        appendAccess(to: &text)
        appendConfiguration(to: &text)
        appendDiscovery(to: &text)
        appendProcess(to: &text)
        return text
    }
}

/// The labels by which rollout tools find one side of a split.
private func labels(_ cluster: MetricsSummary.Cluster) -> [MetricLabel] {
    let identity = cluster.identity
    return [
        MetricLabel("cluster", cluster.name), MetricLabel("service", identity.service),
        MetricLabel("version", identity.version),
    ]
}

private func direction(_ cluster: MetricsSummary.Cluster) -> MetricLabel {
    MetricLabel("direction", cluster.name == "inbound" ? "inbound" : "outbound")
}

extension MetricsReport {
    private func appendRequests(to text: inout MetricsText) {
        text.begin(
            "mesh_requests_total", .counter,
            help: "Responses to clients, after all retries, by cluster that routing chose.")
        for cluster in summary.clusters {
            append(cluster.responses, [direction(cluster)] + labels(cluster), to: &text)
        }
        append(
            summary.unroutedResponses,
            [
                MetricLabel("direction", ""), MetricLabel("cluster", ""),
                MetricLabel("service", ""), MetricLabel("version", ""),
            ], to: &text)
        appendCalls(to: &text)
        text.begin(
            "mesh_request_duration_seconds", .histogram,
            help: "First byte of the request to last byte of the response, as clients see it.")
        for cluster in summary.clusters where cluster.durations.count > 0 {
            text.sample(cluster.durations, labels: [direction(cluster)] + labels(cluster))
        }
        text.begin(
            "mesh_picks_total", .counter,
            help: "Requests and forwarded connections by cluster that was picked, once for each.")
        for cluster in summary.clusters { text.sample(cluster.picks, labels: labels(cluster)) }
        text.begin(
            "http_request_duration_seconds", .histogram,
            help: "Duration of requests by listener and class of the status.")
        for listener in summary.listeners {
            for (index, durations) in listener.durations.enumerated() where durations.count > 0 {
                text.sample(
                    durations,
                    labels: [
                        MetricLabel("direction", listener.direction.label),
                        MetricLabel("listener", listener.name),
                        MetricLabel("status", "\(index + 1)xx"),
                    ])
            }
        }
        text.begin(
            "mesh_response_flags_total", .counter,
            help: "Requests by what went wrong, in the codes of Envoy's access log.")
        for flag in summary.flags where flag.count > 0 {
            text.sample(flag.count, labels: [MetricLabel("flag", flag.code)])
        }
    }

    private func appendCalls(to text: inout MetricsText) {
        text.begin(
            "mesh_grpc_responses_total", .counter,
            help: "Calls of gRPC by how they ended, after all retries, as clients see it.")
        for cluster in summary.clusters {
            for (index, count) in cluster.calls.enumerated() where count > 0 {
                text.sample(
                    count,
                    labels: [direction(cluster)] + labels(cluster) + [
                        MetricLabel("grpc_status", CallCounters.label(at: index)),
                        MetricLabel("classification", index == 0 ? "success" : "failure"),
                    ])
            }
        }
    }

    private func append(
        _ responses: StatusSummary, _ labels: [MetricLabel], to text: inout MetricsText
    ) {
        for entry in responses.nonZero {
            let classification = entry.isServerError ? "failure" : "success"
            text.sample(
                entry.count,
                labels: labels + [
                    MetricLabel("code", entry.code), MetricLabel("classification", classification),
                ])
        }
    }

    private func appendUpstream(to text: inout MetricsText) {
        let counters: [(StaticString, StaticString, KeyPath<MetricsSummary.Cluster, UInt64>)] = [
            (
                "mesh_upstream_attempts_total", "Requests sent to endpoints, with retries.",
                \.attempts
            ),
            ("mesh_upstream_retries_total", "Attempts that were made again.", \.retries),
            ("mesh_upstream_timeouts_total", "Attempts without a response in time.", \.timeouts),
            ("mesh_upstream_resets_total", "Attempts whose connection ended early.", \.resets),
            ("mesh_upstream_connections_total", "Connections made.", \.connections),
            (
                "mesh_upstream_connect_failures_total", "Connections that could not be made.",
                \.connectFailures
            ),
            (
                "mesh_request_bytes_total", "Bytes of request bodies and forwarded connections.",
                \.bytesReceived
            ),
            (
                "mesh_response_bytes_total", "Bytes of response bodies and forwarded connections.",
                \.bytesSent
            ),
        ]
        for (name, help, value) in counters {
            text.begin(name, .counter, help: help)
            for cluster in summary.clusters {
                text.sample(cluster[keyPath: value], labels: labels(cluster))
            }
        }
        text.begin("mesh_upstream_active_requests", .gauge, help: "Requests at endpoints.")
        for cluster in summary.clusters {
            text.sample(cluster.activeRequests, labels: labels(cluster))
        }
        text.begin("mesh_upstream_active_connections", .gauge, help: "Open connections.")
        for cluster in summary.clusters {
            text.sample(cluster.activeConnections, labels: labels(cluster))
        }
    }

    private func appendOverflows(to text: inout MetricsText) {
        text.begin(
            "mesh_upstream_overflows_total", .counter,
            help: "What the circuit breakers of a cluster refused.")
        let shown = limits.sorted { $0.key < $1.key }.prefix(Self.maximumConfiguredSeriesCount)
        for (name, limits) in shown {
            for resource in ClusterLimits.Resource.allCases {
                text.sample(
                    limits.overflowCount(resource),
                    labels: [
                        MetricLabel("cluster", name), MetricLabel("resource", resource.label),
                    ])
            }
        }
    }

    private func appendDownstream(to text: inout MetricsText) {
        text.begin(
            "mesh_downstream_connections_total", .counter, help: "Connections from clients.")
        text.sample(summary.connections)
        text.begin(
            "mesh_downstream_active_connections", .gauge, help: "Open connections from clients.")
        text.sample(summary.activeConnections)
        text.begin("mesh_downstream_requests_total", .counter, help: "Requests from clients.")
        text.sample(summary.requests)
        text.begin("mesh_downstream_active_requests", .gauge, help: "Requests under way.")
        text.sample(summary.activeRequests)
        text.begin(
            "mesh_downstream_protocol_errors_total", .counter,
            help: "Requests that are not HTTP, or that two readers could read differently.")
        text.sample(summary.protocolErrors)
        text.begin(
            "mesh_access_log_dropped_lines_total", .counter,
            help: "Access-log lines that a slow reader left no room for.")
        text.sample(droppedLogLineCount)
    }

    private func appendProcess(to text: inout MetricsText) {
        text.begin("mesh_build_info", .gauge, help: "The program, as labels of a 1.")
        text.sample(UInt64(1), labels: [MetricLabel("version", version)])
        text.begin("mesh_workers", .gauge, help: "Threads that forward requests.")
        text.sample(UInt64(workerCount))
        text.begin("mesh_ready", .gauge, help: "1 while the proxy takes traffic.")
        text.sample(UInt64(isReady ? 1 : 0))
        text.begin("mesh_uptime_seconds", .gauge, help: "Time since the process started.")
        text.sample(Double(uptimeNanoseconds) / 1e9)
        text.begin(
            "process_cpu_seconds_total", .counter, help: "Time on processors, all threads.")
        text.sample(Double(usage.cpuNanoseconds) / 1e9)
        text.begin("process_resident_memory_bytes", .gauge, help: "Memory in use.")
        text.sample(usage.residentByteCount)
        text.begin("process_virtual_memory_bytes", .gauge, help: "Address space in use.")
        text.sample(usage.virtualByteCount)
        text.begin("process_open_fds", .gauge, help: "Open file descriptors.")
        text.sample(usage.openDescriptorCount)
        text.begin("process_max_fds", .gauge, help: "Most file descriptors that can be open.")
        text.sample(usage.descriptorLimit)
    }
}

extension Mesh.Listener.Direction {
    fileprivate var label: String {
        switch self {
        case .unspecified: "unspecified"
        case .inbound: "inbound"
        case .outbound: "outbound"
        }
    }
}

extension ClusterLimits.Resource {
    fileprivate var label: String {
        switch self {
        case .connections: "connections"
        case .pendingRequests: "pending_requests"
        case .requests: "requests"
        case .retries: "retries"
        }
    }
}
