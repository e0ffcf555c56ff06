import Telemetry

/// What is counted of the own identity; written on the main loop alone.
final class IdentityMetrics: Sendable {
    /// When the certificate ends being good, in seconds since 1970; 0 is never.
    let expiry = Gauge()
    let renewals = Counter()
    private let failures = InlineArray<5, Counter> { _ in Counter() }

    func count(_ failure: IdentityState.Failure) {
        failures[Self.index(of: failure)].add()
    }

    func failureCount(_ failure: IdentityState.Failure) -> UInt64 {
        failures[Self.index(of: failure)].value
    }

    private static func index(of failure: IdentityState.Failure) -> Int {
        IdentityState.Failure.allCases.firstIndex(of: failure) ?? 0
    }
}
