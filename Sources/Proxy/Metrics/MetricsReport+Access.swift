import Telemetry

extension MetricsReport {
    /// Who was let through and who was not, by the listener and the prefix of the rules.
    func appendAccess(to text: inout MetricsText) {
        append(
            "mesh_rbac_allowed_total", \.allowed, to: &text,
            help: "Requests that the rules of a listener let through.")
        append(
            "mesh_rbac_denied_total", \.denied, to: &text,
            help: "Requests that the rules of a listener refused.")
        append(
            "mesh_rbac_shadow_allowed_total", \.shadowAllowed, to: &text,
            help: "Requests that rules which are only tried out would let through.")
        append(
            "mesh_rbac_shadow_denied_total", \.shadowDenied, to: &text,
            help: "Requests that rules which are only tried out would refuse.")
    }

    private func append(
        _ name: StaticString, _ count: KeyPath<AccessSummary, UInt64>,
        to text: inout MetricsText, help: StaticString
    ) {
        text.begin(name, .counter, help: help)
        for listener in summary.listeners {
            for (prefix, access) in listener.access.sorted(by: { $0.key < $1.key }) {
                text.sample(
                    access[keyPath: count],
                    labels: [MetricLabel("listener", listener.name), MetricLabel("prefix", prefix)])
            }
        }
    }
}
