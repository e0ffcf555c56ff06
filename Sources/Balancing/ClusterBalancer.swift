import Bytes
import Mesh

/// Chooses the endpoint for a request among those of a cluster: one for each worker and cluster.
///
/// It is a value over values: the time comes in as `now` in nanoseconds of a clock that never goes
/// back, and what became of a request as ``report(_:for:now:)``. What it knows of an endpoint
/// survives an update by the endpoint's address.
///
/// As in Envoy, endpoints that the control plane calls healthy (or says nothing of) come first,
/// priority by priority, then degraded ones; when too few are left, all are used (*panic*). Unlike
/// in Envoy, panic never brings back an endpoint that this proxy itself has ejected as long as
/// another one is left. Weights count among the endpoints of a priority; those of localities do
/// not, as in Envoy without `locality_weighted_lb_config`.
public struct ClusterBalancer: ~Copyable {
    /// Everything at one priority.
    struct Level {
        let priority: UInt32
        var members: [UInt32] = []
        /// Whether this proxy has ejected every member; then panic uses them all the same.
        var isWholeEjected = false
        var ring: HashRing?
    }

    /// Who of a priority is meant; `anyone` is used in panic.
    enum PoolKind: Int { case healthy, degraded, anyone }

    var policy = Cluster.LoadBalancing.roundRobin
    var rules: OutlierDetection?
    var states = Slots<EndpointState>()
    var levels: [Level] = []
    /// Three for each level, in the order of ``PoolKind``.
    var pools: [EndpointPool] = []
    var loads: [PriorityLoad.Level] = []
    var random: RandomSequence
    var outlierCount = 0
    /// When the next ejected endpoint comes back.
    var nextReturn = UInt64.max

    var addresses: [EndpointIdentity] = []
    var localities: [Locality] = []
    /// Where the current endpoints are.
    var slots: [EndpointIdentity: UInt32] = [:]
    /// Where those are that are gone but still in use.
    var leavingSlots: [EndpointIdentity: UInt32] = [:]
    var vacantSlots: [UInt32] = []
    var assignment: EndpointAssignment?
    var panicThreshold = 50.0

    /// Makes a balancer without endpoints; ``update(cluster:assignment:now:)`` gives it some.
    ///
    /// - Parameter seed: Different for each worker and process, so that they do not all begin with
    ///   the same endpoint.
    public init(seed: UInt64) {
        random = RandomSequence(seed: seed)
    }

    /// Whether there is no endpoint at all.
    public var isEmpty: Bool { slots.isEmpty }

    /// How many slots handles can point to; a table beside the balancer has that many rows.
    public var slotCount: Int { states.count }

    /// Every current endpoint, in no order.
    public var handles: [EndpointHandle] {
        slots.values.map { EndpointHandle(slot: $0, generation: states[Int($0)].generation) }
    }

    /// The address of an endpoint that is current or still in use; `nil` when it is gone.
    public func address(of handle: EndpointHandle) -> EndpointIdentity? {
        isValid(handle) ? addresses[Int(handle.slot)] : nil
    }

    public func statistics(of handle: EndpointHandle) -> EndpointStatistics? {
        isValid(handle) ? states[Int(handle.slot)].statistics : nil
    }

    /// Every current endpoint with all that is known of it, in the order of the addresses.
    public func summaries() -> [EndpointSummary] {
        slots.sorted { $0.key.description < $1.key.description }.map { address, slot in
            let state = states[Int(slot)]
            return EndpointSummary(
                address: address, locality: localities[Int(slot)],
                priority: levels[state.level].priority, weight: state.weight,
                health: state.health, ejection: state.standing.ejection,
                statistics: state.statistics)
        }
    }

    @inline(__always)
    func isValid(_ handle: EndpointHandle) -> Bool {
        handle.slot < states.count && states[Int(handle.slot)].generation == handle.generation
    }

    /// Lets a slot go when its endpoint is gone and nothing uses it any more.
    @inline(__always)
    mutating func vacateWhenIdle(_ slot: Int) {
        if states[slot].presence == .leaving { vacateIfIdle(slot) }
    }

    private mutating func vacateIfIdle(_ slot: Int) {
        if states[slot].isIdle {
            states[slot].presence = .vacant
            leavingSlots[addresses[slot]] = nil
            vacantSlots.append(UInt32(slot))
        }
    }
}
