import Bytes
public import Mesh

extension ClusterBalancer {
    /// Takes a new configuration.
    ///
    /// - Parameters:
    ///   - cluster: Its policy, panic threshold and outlier detection.
    ///   - assignment: The endpoints; `nil` leaves those of the cluster itself, or none.
    ///   - now: Nanoseconds of the caller's clock.
    /// - Returns: Which endpoints came and went. An address that appears twice counts once.
    public mutating func update(
        cluster: Cluster, assignment: EndpointAssignment?, now: UInt64
    ) -> EndpointChanges {
        let assignment = assignment ?? cluster.staticAssignment
        let policyChanged = policy != cluster.loadBalancing
        rules = cluster.outlierDetection
        policy = cluster.loadBalancing
        panicThreshold = cluster.panicThreshold
        var changes = EndpointChanges()
        if policyChanged || assignment != self.assignment {
            changes = replaceEndpoints(assignment?.localities ?? [])
            self.assignment = assignment
        }
        refill(now: now)
        return changes
    }

    /// Sorts all endpoints anew into those that are used and those that are not.
    mutating func refill(now: UInt64) {
        nextReturn = .max
        outlierCount = 0
        for index in levels.indices {
            refillLevel(index, now: now)
        }
        PriorityLoad.distribute(
            over: &loads, overprovisioningFactor: assignment?.overprovisioningFactor ?? 140,
            panicThreshold: panicThreshold)
    }

    private mutating func refillLevel(_ index: Int, now: UInt64) {
        let healthy = index * 3 + PoolKind.healthy.rawValue
        let degraded = index * 3 + PoolKind.degraded.rawValue
        let anyone = index * 3 + PoolKind.anyone.rawValue
        for pool in healthy...anyone { pools[pool].removeAll() }
        for position in levels[index].members.indices {
            let slot = levels[index].members[position]
            states[Int(slot)].standing.refresh(now: now)
            let standing = states[Int(slot)].standing
            if let deadline = standing.deadline { nextReturn = min(nextReturn, deadline) }
            if standing.isOutlier { outlierCount += 1 }
            if !standing.isUsable { continue }
            let weight = states[Int(slot)].weight
            pools[anyone].append(slot, weight: weight)
            switch states[Int(slot)].health {
            case .unknown, .healthy: pools[healthy].append(slot, weight: weight)
            case .degraded: pools[degraded].append(slot, weight: weight)
            case .unhealthy, .draining, .timeout: break
            }
        }
        loads[index].acceptedCount = pools[anyone].count
        levels[index].isWholeEjected = pools[anyone].isEmpty
        if levels[index].isWholeEjected {
            for position in levels[index].members.indices {
                let slot = levels[index].members[position]
                pools[anyone].append(slot, weight: states[Int(slot)].weight)
            }
        }
        loads[index].endpointCount = levels[index].members.count
        loads[index].healthyCount = pools[healthy].count
        loads[index].degradedCount = pools[degraded].count
    }

    private mutating func replaceEndpoints(_ groups: [LocalityEndpoints]) -> EndpointChanges {
        var changes = EndpointChanges()
        var departed = slots
        let priorities = Set(groups.map(\.priority)).sorted()
        levels = priorities.map { Level(priority: $0) }
        for group in groups {
            guard let level = priorities.firstIndex(of: group.priority) else { continue }
            for endpoint in group.endpoints {
                let address = EndpointIdentity(host: endpoint.host, port: endpoint.port)
                if departed.removeValue(forKey: address) == nil {
                    if slots[address] != nil { continue }
                    changes.added.append(settle(address))
                }
                guard let slot = slots[address] else { continue }
                states[Int(slot)].level = level
                states[Int(slot)].weight = endpoint.weight
                states[Int(slot)].health = endpoint.health
                localities[Int(slot)] = group.locality
                levels[level].members.append(slot)
            }
        }
        for (address, slot) in departed {
            slots[address] = nil
            states[Int(slot)].presence = .leaving
            leavingSlots[address] = slot
            vacateWhenIdle(Int(slot))
            changes.removed.append(
                EndpointHandle(slot: slot, generation: states[Int(slot)].generation))
        }
        pools = Array(repeating: EndpointPool(), count: levels.count * 3)
        loads = levels.map { _ in
            PriorityLoad.Level(
                endpointCount: 0, healthyCount: 0, degradedCount: 0, acceptedCount: 0)
        }
        for index in levels.indices { prepareLevel(index) }
        return changes
    }

    /// Finds a slot for an endpoint that is not current: its former one, a vacant or a new one.
    private mutating func settle(_ address: EndpointIdentity) -> EndpointHandle {
        if let former = leavingSlots.removeValue(forKey: address) {
            states[Int(former)].presence = .current
            slots[address] = former
            return EndpointHandle(slot: former, generation: states[Int(former)].generation)
        }
        let slot: Int
        if let vacant = vacantSlots.popLast() {
            slot = Int(vacant)
            let generation = states[slot].generation &+ 1
            states[slot] = EndpointState()
            states[slot].generation = generation
            addresses[slot] = address
        } else {
            slot = states.count
            states.append(EndpointState())
            addresses.append(address)
            localities.append(Locality())
        }
        states[slot].presence = .current
        slots[address] = UInt32(slot)
        return EndpointHandle(slot: UInt32(slot), generation: states[slot].generation)
    }

    /// Makes room for the pools, builds the ring, and begins the turns at a random place.
    private mutating func prepareLevel(_ index: Int) {
        for slot in levels[index].members { states[Int(slot)].credit = 0 }
        for pool in index * 3..<index * 3 + 3 { pools[pool].reserve(levels[index].members.count) }
        switch policy {
        case .roundRobin:
            beginTurns(index)
        case .ringHash(let minimumSize, let maximumSize):
            levels[index].ring = HashRing(
                members: levels[index].members.map { slot in
                    HashRing.Member(
                        slot: slot, address: addresses[Int(slot)],
                        weight: states[Int(slot)].weight)
                },
                minimumSize: minimumSize, maximumSize: maximumSize)
        case .leastRequest, .random: break
        }
    }

    private mutating func beginTurns(_ index: Int) {
        let anyone = index * 3 + PoolKind.anyone.rawValue
        for slot in levels[index].members {
            pools[anyone].append(slot, weight: states[Int(slot)].weight)
        }
        if pools[anyone].isUniform {
            let start = random.below(UInt64(max(pools[anyone].count, 1)))
            for pool in index * 3...anyone { pools[pool].begin(at: Int(start)) }
        } else {
            for _ in 0..<random.below(min(pools[anyone].weightSum, Self.longestWarmUp)) {
                _ = nextByCredit(pool: anyone)
            }
        }
    }

    /// Most turns that weighted round robin takes in advance, to begin at a random place.
    private static var longestWarmUp: UInt64 { 256 }
}

extension Cluster {
    fileprivate var staticAssignment: EndpointAssignment? {
        switch discovery {
        case .static(let assignment): assignment
        case .eds: nil
        }
    }
}
