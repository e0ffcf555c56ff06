import Telemetry

extension MetricsReport {
    func appendIdentity(to text: inout MetricsText) {
        guard let identity else { return }
        text.begin(
            "mesh_identity_expiry_seconds", .gauge,
            help: "When the own certificate ends being good, in seconds since 1970.")
        text.sample(identity.expiry)
        text.begin(
            "mesh_identity_renewals_total", .counter,
            help: "Times that a certificate was asked for, by what came of it.")
        text.sample(identity.renewalCount, labels: [MetricLabel("result", "success")])
        for (failure, count) in identity.failureCounts {
            text.sample(count, labels: [MetricLabel("result", failure.rawValue)])
        }
    }
}
