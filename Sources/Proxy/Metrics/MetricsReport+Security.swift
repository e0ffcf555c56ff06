import Telemetry

extension MetricsReport {
    /// Handshakes, by the side on which the proxy stands.
    func appendSecurity(to text: inout MetricsText) {
        let listeners = summary.listeners.map {
            (labels: Refusal.Side.listener($0.name).labels, security: $0.security)
        }
        let clusters = summary.clusters.map {
            (labels: Refusal.Side.cluster($0.name).labels, security: $0.security)
        }
        let shown = (listeners + clusters).filter { !$0.security.isEmpty }
        text.begin(
            "mesh_tls_handshakes_total", .counter,
            help: "Sessions with clients of a listener or endpoints of a cluster.")
        for side in shown { text.sample(side.security.handshakes, labels: side.labels) }
        text.begin(
            "mesh_tls_resumptions_total", .counter,
            help: "Those of them that were taken up again, without a full handshake.")
        for side in shown { text.sample(side.security.resumptions, labels: side.labels) }
        text.begin(
            "mesh_tls_failures_total", .counter,
            help: "Connections without a session, by the reason.")
        for side in shown {
            for (reason, count) in side.security.failures.sorted(by: { $0.key < $1.key }) {
                text.sample(count, labels: side.labels + [MetricLabel("reason", reason)])
            }
        }
        text.begin(
            "mesh_tls_certificate_expiry_timestamp_seconds", .gauge,
            help: "When a certificate that is presented ends being good.")
        for (side, expiry) in expiries.prefix(Self.maximumConfiguredSeriesCount) {
            text.sample(expiry, labels: side.labels)
        }
    }
}

extension Refusal.Side {
    fileprivate var labels: [MetricLabel] {
        switch self {
        case .listener(let name):
            [MetricLabel("side", "downstream"), MetricLabel("listener", name)]
        case .cluster(let name): [MetricLabel("side", "upstream"), MetricLabel("cluster", name)]
        }
    }
}
