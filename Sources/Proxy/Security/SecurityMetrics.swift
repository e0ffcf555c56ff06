import Telemetry
import TLS

/// What one worker counts of handshakes with the peers of one listener or cluster.
final class SecurityMetrics: Sendable {
    /// Sessions that became ready.
    let handshakes = Counter()
    /// Those of them that were taken up again.
    let resumptions = Counter()
    /// Connections that belong to no filter chain.
    let unmatched = Counter()
    /// Connections that would need a secret which has not come.
    let unprovided = Counter()
    private let failures = InlineArray<20, Counter> { _ in Counter() }

    func countHandshake(isResumed: Bool) {
        handshakes.add()
        if isResumed { resumptions.add() }
    }

    func count(_ reason: TLSError.Reason) {
        failures[Self.index(of: reason)].add()
    }

    func failureCount(_ reason: TLSError.Reason) -> UInt64 {
        failures[Self.index(of: reason)].value
    }

    private static func index(of reason: TLSError.Reason) -> Int {
        TLSError.Reason.allCases.firstIndex(of: reason) ?? 0
    }
}

/// The same of all workers.
struct SecuritySummary {
    private(set) var handshakes: UInt64 = 0
    private(set) var resumptions: UInt64 = 0
    private(set) var failures: [String: UInt64] = [:]

    mutating func add(_ metrics: SecurityMetrics) {
        handshakes &+= metrics.handshakes.value
        resumptions &+= metrics.resumptions.value
        for reason in TLSError.Reason.allCases where metrics.failureCount(reason) > 0 {
            failures[reason.rawValue, default: 0] &+= metrics.failureCount(reason)
        }
        if metrics.unmatched.value > 0 {
            failures["no_filter_chain", default: 0] &+= metrics.unmatched.value
        }
        if metrics.unprovided.value > 0 {
            failures["secret_missing", default: 0] &+= metrics.unprovided.value
        }
    }

    var isEmpty: Bool { handshakes == 0 && failures.isEmpty }
}

/// A peer that was refused, or that has refused, for the log.
struct Refusal: Sendable {
    enum Side: Sendable {
        case listener(String)
        case cluster(String)
    }

    let side: Side
    let peer: String
    let error: TLSError
    /// The names in the certificate that was not accepted.
    let names: [String]
    /// How many were not told since the one before.
    let untoldCount: UInt64

    var sentence: String {
        let place =
            switch side {
            case .listener(let name): "listener \(name): TLS with client \(peer)"
            case .cluster(let name): "cluster \(name): TLS with endpoint \(peer)"
            }
        let who = names.isEmpty ? "" : ", who is \(names.joined(separator: ", "))"
        let others = untoldCount == 0 ? "" : " (and \(untoldCount) more that were not logged)"
        return "\(place) failed: \(error)\(who)\(others)"
    }
}

/// Lets few refusals through, so that a flood of them does not fill the log.
struct RefusalLimit {
    static let refusalsPerSecond = 5

    private var second: UInt64 = 0
    private var toldCount = 0
    private var untoldCount: UInt64 = 0

    /// - Returns: How many were not told before; `nil` when this one is not told either.
    mutating func admit(nowNanoseconds: UInt64) -> UInt64? {
        if nowNanoseconds / 1_000_000_000 != second {
            second = nowNanoseconds / 1_000_000_000
            toldCount = 0
        }
        if toldCount == Self.refusalsPerSecond {
            untoldCount += 1
            return nil
        }
        toldCount += 1
        defer { untoldCount = 0 }
        return untoldCount
    }
}
