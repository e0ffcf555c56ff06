public import Mesh

/// All that changes of an endpoint; plain numbers, so that it is changed in place.
struct EndpointState: BitwiseCopyable {
    enum Presence {
        /// The slot may be given to another endpoint.
        case vacant
        case current
        /// Gone from the configuration, but something still uses it.
        case leaving
    }

    var generation: UInt32 = 0
    var presence = Presence.vacant
    var level = 0
    var weight: UInt32 = 1
    var health = Endpoint.Health.unknown
    var standing = Standing()
    /// How far smooth weighted round robin is in debt to it.
    var credit: Int64 = 0
    var statistics = EndpointStatistics()

    var isIdle: Bool { statistics.activeRequests == 0 && statistics.activeConnections == 0 }
}

/// What was counted of an endpoint by one worker.
public struct EndpointStatistics: BitwiseCopyable, Equatable, Sendable {
    public internal(set) var activeRequests: UInt32 = 0
    public internal(set) var activeConnections: UInt32 = 0
    public internal(set) var requests: UInt64 = 0
    public internal(set) var connections: UInt64 = 0
    public internal(set) var connectFailures: UInt64 = 0
    /// Answers below 500.
    public internal(set) var successes: UInt64 = 0
    /// Answers from 500, resets and timeouts.
    public internal(set) var errors: UInt64 = 0
    public internal(set) var timeouts: UInt64 = 0
    /// How often outlier detection or a failed connection left the endpoint out.
    public internal(set) var ejections: UInt64 = 0

    /// Adds up what several workers counted.
    public mutating func add(_ other: EndpointStatistics) {
        activeRequests &+= other.activeRequests
        activeConnections &+= other.activeConnections
        requests &+= other.requests
        connections &+= other.connections
        connectFailures &+= other.connectFailures
        successes &+= other.successes
        errors &+= other.errors
        timeouts &+= other.timeouts
        ejections &+= other.ejections
    }
}

/// How an endpoint stands in one worker at a moment, for the admin interface.
public struct EndpointSummary: Equatable, Sendable {
    /// Why no request goes there, as far as this proxy itself has seen it.
    public enum Ejection: Equatable, Sendable { case none, unreachable, outlier }

    public let address: EndpointIdentity
    public let locality: Locality
    public let priority: UInt32
    public let weight: UInt32
    public let health: Endpoint.Health
    public let ejection: Ejection
    public let statistics: EndpointStatistics

    /// What several workers know of the endpoints of one cluster, added up.
    ///
    /// An endpoint counts as ejected as soon as one worker has ejected it.
    public static func merged(_ workers: [[EndpointSummary]]) -> [EndpointSummary] {
        var merged: [EndpointIdentity: EndpointSummary] = [:]
        for summary in workers.joined() {
            merged[summary.address] = merged[summary.address]?.adding(summary) ?? summary
        }
        return merged.values.sorted { $0.address.description < $1.address.description }
    }

    private func adding(_ other: EndpointSummary) -> EndpointSummary {
        var sum = statistics
        sum.add(other.statistics)
        return EndpointSummary(
            address: address, locality: locality, priority: priority, weight: weight,
            health: health, ejection: ejection == .none ? other.ejection : ejection,
            statistics: sum)
    }
}
