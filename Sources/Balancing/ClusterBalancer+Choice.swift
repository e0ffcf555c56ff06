import Bytes
import Mesh

extension ClusterBalancer {
    /// Chooses the endpoint for one attempt.
    ///
    /// - Parameters:
    ///   - hash: What ring hash goes by; without one a point of the ring is drawn at random.
    ///   - avoided: The endpoint of an earlier attempt, taken again only when there is no other.
    ///   - now: Nanoseconds of the caller's clock.
    /// - Returns: The endpoint, or `nil` when none may be used (Envoy's `UH`). It is not counted
    ///   as busy before ``requestStarted(_:)``.
    public mutating func choose(
        hash: UInt64? = nil, avoiding avoided: EndpointHandle? = nil, now: UInt64
    ) -> EndpointHandle? {
        if now >= nextReturn { refill(now: now) }
        if levels.isEmpty { return nil }
        let (level, kind) = drawPool(hash)
        let pool = level * 3 + kind.rawValue
        if pools[pool].isEmpty { return nil }
        var avoidedSlot: UInt32?
        if let avoided, isValid(avoided) { avoidedSlot = avoided.slot }
        let slot = pick(level, kind, hash: hash, avoiding: avoidedSlot)
        if states[Int(slot)].standing.state == .awaitingTrial {
            states[Int(slot)].standing.beginTrial(now: now)
            refill(now: now)
        }
        return EndpointHandle(slot: slot, generation: states[Int(slot)].generation)
    }

    /// Which priority, and who of it: one draw over the shares of all.
    @inline(__always)
    private mutating func drawPool(_ hash: UInt64?) -> (level: Int, kind: PoolKind) {
        if loads[0].healthyPercent == 100 {
            return (0, loads[0].isInPanic ? .anyone : .healthy)
        }
        return drawPool(at: Int((hash ?? random.next()) % 100))
    }

    private func drawPool(at drawn: Int) -> (level: Int, kind: PoolKind) {
        var point = drawn
        for index in loads.indices {
            if point < loads[index].healthyPercent {
                return (index, loads[index].isInPanic ? .anyone : .healthy)
            }
            point -= loads[index].healthyPercent
        }
        for index in loads.indices {
            if point < loads[index].degradedPercent {
                return (index, loads[index].isInPanic ? .anyone : .degraded)
            }
            point -= loads[index].degradedPercent
        }
        return (0, loads[0].isInPanic ? .anyone : .healthy)
    }

    /// The pool must not be empty.
    private mutating func pick(
        _ level: Int, _ kind: PoolKind, hash: UInt64?, avoiding avoided: UInt32?
    ) -> UInt32 {
        let pool = level * 3 + kind.rawValue
        let position: Int
        switch policy {
        case .roundRobin:
            position = pools[pool].isUniform ? pools[pool].nextInTurn() : nextByCredit(pool: pool)
        case .random:
            position = pools[pool].drawn(by: &random)
        case .leastRequest(let choices):
            position = leastBusy(pool: pool, choices: choices)
        case .ringHash:
            return slotOnRing(level, kind, hash ?? random.next(), avoided)
        }
        let slot = pools[pool].members[position]
        if slot != avoided { return slot }
        return pools[pool].members[pools[pool].position(after: position)]
    }

    /// Smooth weighted round robin: everyone earns its weight, the richest serves and pays all.
    ///
    /// - Returns: The position in the pool, which must not be empty.
    mutating func nextByCredit(pool: Int) -> Int {
        var richest = 0
        var highest = Int64.min
        for position in pools[pool].members.indices {
            let slot = Int(pools[pool].members[position])
            states[slot].credit += Int64(states[slot].weight)
            if states[slot].credit > highest {
                highest = states[slot].credit
                richest = position
            }
        }
        let slot = Int(pools[pool].members[richest])
        states[slot].credit -= Int64(pools[pool].weightSum)
        return richest
    }

    /// Draws by weight, then takes the one with the fewest active requests for its weight.
    ///
    /// While nobody is busy the first draw counts, so that shares follow the weights.
    private mutating func leastBusy(pool: Int, choices: UInt32) -> Int {
        var best = pools[pool].drawn(by: &random)
        for _ in 1..<min(choices, Self.mostChoices) {
            var other = pools[pool].drawn(by: &random)
            if other == best { other = pools[pool].position(after: best) }
            let (mine, its) = (Int(pools[pool].members[best]), Int(pools[pool].members[other]))
            let bestLoad =
                UInt64(states[mine].statistics.activeRequests) * UInt64(states[its].weight)
            let otherLoad =
                UInt64(states[its].statistics.activeRequests) * UInt64(states[mine].weight)
            if otherLoad < bestLoad { best = other }
        }
        return best
    }

    private func slotOnRing(
        _ level: Int, _ kind: PoolKind, _ hash: UInt64, _ avoided: UInt32?
    ) -> UInt32 {
        let pool = level * 3 + kind.rawValue
        guard let ring = levels[level].ring, ring.count > 0 else { return pools[pool].members[0] }
        var position = ring.firstPosition(atOrAfter: hash)
        for _ in 0..<min(ring.count, Self.longestWalk) {
            let slot = ring.slot(at: position)
            if isUsed(slot, level, kind), slot != avoided || pools[pool].count == 1 { return slot }
            position = ring.position(after: position)
        }
        // Hardly anyone is left; any fixed rule spreads the keys over them.
        return pools[pool].members[Int(hash % UInt64(pools[pool].count))]
    }

    private func isUsed(_ slot: UInt32, _ level: Int, _ kind: PoolKind) -> Bool {
        let state = states[Int(slot)]
        switch kind {
        case .healthy:
            return state.standing.isUsable
                && (state.health == .healthy || state.health == .unknown)
        case .degraded: return state.standing.isUsable && state.health == .degraded
        case .anyone: return state.standing.isUsable || levels[level].isWholeEjected
        }
    }

    /// Most endpoints that least request compares.
    private static var mostChoices: UInt32 { 16 }
    /// Most points of the ring that a lookup walks past.
    private static var longestWalk: Int { 1024 }
}
