import TLS
import Telemetry

/// How the own identity stands at a moment, for operators.
struct IdentityReport {
    var standing: IdentityState.Standing
    /// Empty before there is one.
    var name: String
    /// When the certificate ends being good, in seconds since 1970; 0 before there is one.
    var expiry: Int64
    /// Why the latest attempt to get one came to nothing.
    var failure: String?
    var certificates: [CertificateDescription] = []
    var roots: [CertificateDescription] = []
    var renewalCount: UInt64 = 0
    var failureCounts: [(failure: IdentityState.Failure, count: UInt64)] = []

    /// Whether the sidecar can say who it is.
    var isUsable: Bool {
        switch standing {
        case .good, .ending: true
        case .absent, .ended: false
        }
    }

    /// What an operator should know; `nil` when all is well.
    var warning: String? {
        let reason = failure.map { " (\($0))" } ?? ""
        let date = IdentityClient.Event.text(of: expiry)
        return switch standing {
        case .good: nil
        case .ending: "warning: the certificate of \(name) is good until \(date) only\(reason)"
        case .absent: "there is no certificate yet\(reason)"
        case .ended: "the certificate of \(name) was good until \(date)\(reason)"
        }
    }
}

extension IdentityClient {
    var summary: IdentityReport {
        IdentityReport(
            standing: standing, name: identity?.name ?? "", expiry: identity?.expiry ?? 0,
            failure: failure, certificates: identity?.certificates ?? [],
            roots: CertificateDescription.all(inPEM: identity?.roots ?? []),
            renewalCount: metrics.renewals.value,
            failureCounts: IdentityState.Failure.allCases.map {
                ($0, metrics.failureCount($0))
            })
    }
}
