import Bytes
import TLS
import Telemetry

extension MeshAuthority {
    func append(to text: inout MetricsText) {
        text.begin(
            "pointsman_control_authority_expiry_seconds", .gauge,
            help: "When what certificates hang on ends, in seconds since 1970.")
        for (kind, authority) in [
            ("root", authorities.root), ("intermediate", authorities.intermediate),
        ] {
            text.sample(
                UInt64(clamping: authority.validity.upperBound),
                labels: [MetricLabel("authority", kind)])
        }
        text.begin(
            "pointsman_control_roots", .gauge, help: "Roots that are accepted, by their stage.")
        for stage in AuthorityRecord.Stage.allCases {
            let count = authorities.records.count { $0.kind == .root && $0.stage == stage }
            text.sample(UInt64(count), labels: [MetricLabel("stage", stage.rawValue)])
        }
        text.begin(
            "pointsman_control_certificates_issued_total", .counter,
            help: "Certificates by how their holder has shown who it is.")
        for ground in IssuedRecord.Ground.allCases {
            text.sample(
                issuedCounts[ground, default: 0], labels: [MetricLabel("ground", ground.rawValue)])
        }
        text.begin(
            "pointsman_control_tls_refusals_total", .counter,
            help: "Clients that did not get past the handshake, by the reason.")
        for reason in TLSError.Reason.allCases {
            guard let count = refusalCounts[reason] else { continue }
            text.sample(count, labels: [MetricLabel("reason", reason.rawValue)])
        }
    }
}
