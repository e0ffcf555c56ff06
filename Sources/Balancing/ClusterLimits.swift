public import Mesh
import Synchronization

/// How much of a cluster is in use, against its circuit breakers: one for the whole process.
///
/// Envoy counts so too: a limit that each worker had for itself would multiply with the workers.
public final class ClusterLimits: Sendable {
    public enum Resource: Int, CaseIterable, Sendable {
        case connections
        /// Requests that wait for a connection.
        case pendingRequests
        case requests
        case retries
    }

    private let active = InlineArray<4, Atomic<Int>> { _ in Atomic(0) }
    private let limits = InlineArray<4, Atomic<Int>> { _ in Atomic(0) }
    private let overflows = InlineArray<4, Atomic<UInt64>> { _ in Atomic(0) }

    public init(_ breakers: CircuitBreakers = CircuitBreakers()) {
        update(breakers)
    }

    /// Changes the limits; what is in use stays counted and may exceed them until it is released.
    public func update(_ breakers: CircuitBreakers) {
        set(.connections, breakers.connections)
        set(.pendingRequests, breakers.pendingRequests)
        set(.requests, breakers.requests)
        set(.retries, breakers.retries)
    }

    /// Takes one of `resource`.
    ///
    /// - Returns: Whether there was one; when there was none, that is counted as an overflow. What
    ///   was taken has to be released exactly once.
    public func acquire(_ resource: Resource) -> Bool {
        let index = resource.rawValue
        let before = active[index].wrappingAdd(1, ordering: .relaxed).oldValue
        if before < limits[index].load(ordering: .relaxed) { return true }
        active[index].wrappingSubtract(1, ordering: .relaxed)
        overflows[index].wrappingAdd(1, ordering: .relaxed)
        return false
    }

    /// Takes one of `resource` whatever the limit is, where going without would stand still.
    public func acquireBeyondLimit(_ resource: Resource) {
        active[resource.rawValue].wrappingAdd(1, ordering: .relaxed)
    }

    /// Gives back what ``acquire(_:)`` or ``acquireBeyondLimit(_:)`` took.
    public func release(_ resource: Resource) {
        let before = active[resource.rawValue].wrappingSubtract(1, ordering: .relaxed).oldValue
        assert(before > 0, "more released than acquired")
    }

    /// How many are in use; for a moment too many while a refused ``acquire(_:)`` gives back.
    public func activeCount(_ resource: Resource) -> Int {
        active[resource.rawValue].load(ordering: .relaxed)
    }

    public func limit(_ resource: Resource) -> Int {
        limits[resource.rawValue].load(ordering: .relaxed)
    }

    /// How often ``acquire(_:)`` refused.
    public func overflowCount(_ resource: Resource) -> UInt64 {
        overflows[resource.rawValue].load(ordering: .relaxed)
    }

    private func set(_ resource: Resource, _ limit: UInt32) {
        limits[resource.rawValue].store(Int(limit), ordering: .relaxed)
    }
}
