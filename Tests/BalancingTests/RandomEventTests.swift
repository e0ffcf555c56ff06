import Mesh
import Testing

@testable import Balancing

@Suite struct `Whatever happens` {
    private static let policies: [Cluster.LoadBalancing] = [
        .roundRobin, .random, .leastRequest(choices: 2),
        .ringHash(minimumSize: 64, maximumSize: 256),
    ]

    private func someEndpoints(_ chance: inout Chance) throws -> [[Endpoint]] {
        let healths: [Endpoint.Health] = [.unknown, .healthy, .degraded, .unhealthy]
        return try (0..<(1 + chance.below(2))).map { priority in
            try (0..<chance.below(5)).map { _ in
                try endpoint(
                    UInt16(1 + priority * 6 + chance.below(6)),
                    weight: UInt32(1 + chance.below(3)), health: healths[chance.below(4)])
            }
        }
    }

    /// Random updates, choices and outcomes; after each step everything must still be true.
    @Test(arguments: policies)
    func `no ejected endpoint is chosen while another one is left`(
        policy: Cluster.LoadBalancing
    ) throws {
        var chance = Chance()
        let rules = try OutlierDetection(
            consecutiveServerErrors: 2, maximumEjectionPercent: 60)
        let balance = try Balance(
            try someEndpoints(&chance), cluster(policy, outlierDetection: rules),
            seed: chance.seed)
        var active: [EndpointHandle] = []
        let outcomes: [EndpointOutcome] = [
            .connected, .connectFailed, .answered(status: 200), .answered(status: 503), .reset,
            .timedOut,
        ]
        for _ in 0..<4000 {
            balance.wait(milliseconds: UInt64(chance.below(200)))
            switch chance.below(20) {
            case 0:
                _ = try balance.update(
                    try someEndpoints(&chance), cluster(policy, outlierDetection: rules))
            case 1...12:
                try checkChoice(balance, &chance, &active)
            default:
                guard !active.isEmpty else { continue }
                let handle = active.remove(at: chance.below(active.count))
                balance.report(outcomes[chance.below(6)], for: handle)
                balance.end(handle)
            }
            let counted = balance.summaries.reduce(0) {
                $0 + Int($1.statistics.activeRequests)
            }
            #expect(counted <= active.count, "seed \(chance.seed)")
        }
    }

    private func checkChoice(
        _ balance: Balance, _ chance: inout Chance, _ active: inout [EndpointHandle]
    ) throws {
        let hash = UInt64(chance.below(.max))
        let choice = balance.choose(hash: hash)
        let summaries = balance.summaries
        guard let choice else {
            // Nobody: there is none, or all priorities that get any load are without endpoints.
            #expect(summaries.isEmpty, "seed \(chance.seed)")
            return
        }
        let address = try #require(balance.address(of: choice))
        let chosen = try #require(summaries.first { $0.address == address })
        let others = summaries.filter { $0.ejection == .none }
        // A trial is shown as unreachable, and is the one exception.
        let isTrial = balance.isOnTrial(choice)
        if chosen.ejection != .none, !isTrial {
            #expect(others.isEmpty, "seed \(chance.seed), \(address)")
        }
        balance.start(choice)
        active.append(choice)
    }

    @Test func `slots are reused and handles are not`() throws {
        var chance = Chance()
        let balance = try Balance([], cluster())
        for _ in 0..<300 {
            let endpoints = try (0..<8).map { _ in try endpoint(UInt16(1 + chance.below(200))) }
            let changes = try balance.update([endpoints], cluster())
            for handle in changes.removed {
                #expect(balance.isVacant(handle))
            }
            #expect(balance.slotCount <= 17, "seed \(chance.seed)")
        }
    }

    @Test func `an endpoint that left keeps its slot until nothing uses it`() throws {
        let balance = try Balance([[try endpoint(1)]], cluster())
        let handle = try #require(balance.handle(1))
        balance.start(handle)
        let changes = try balance.update([[try endpoint(2)]], cluster())
        #expect(changes.removed == [handle])
        #expect(balance.address(of: handle)?.port == 1)
        let back = try balance.update([[try endpoint(1)]], cluster())
        #expect(back.added == [handle])
        _ = try balance.update([[try endpoint(2)]], cluster())
        balance.end(handle)
        _ = try balance.update([[try endpoint(2), try endpoint(3)]], cluster())
        #expect(balance.address(of: handle) == nil)
        #expect(balance.slotCount == 2)
    }
}

@Suite struct `The limits of a cluster` {
    @Test func `are Envoy's unless configured`() {
        let limits = ClusterLimits()
        #expect(ClusterLimits.Resource.allCases.map { limits.limit($0) } == [1024, 1024, 1024, 3])
    }

    @Test func `refuse, count what they refused, and take again after a release`() {
        let limits = ClusterLimits(CircuitBreakers(retries: 1))
        #expect(limits.acquire(.retries))
        #expect(!limits.acquire(.retries))
        #expect(limits.overflowCount(.retries) == 1)
        #expect(limits.activeCount(.retries) == 1)
        limits.release(.retries)
        #expect(limits.acquire(.retries))
        #expect(limits.overflowCount(.requests) == 0)
    }

    @Test func `can be passed where going without would stand still`() {
        let limits = ClusterLimits(CircuitBreakers(connections: 1))
        #expect(limits.acquire(.connections))
        limits.acquireBeyondLimit(.connections)
        #expect(limits.activeCount(.connections) == 2)
        limits.release(.connections)
        #expect(!limits.acquire(.connections))
    }

    @Test func `can shrink below what is in use`() {
        let limits = ClusterLimits(CircuitBreakers(requests: 2))
        #expect(limits.acquire(.requests))
        #expect(limits.acquire(.requests))
        limits.update(CircuitBreakers(requests: 1))
        limits.release(.requests)
        #expect(!limits.acquire(.requests))
        limits.release(.requests)
        #expect(limits.acquire(.requests))
    }

    @Test func `hold over threads`() async {
        let limits = ClusterLimits(CircuitBreakers(connections: 3))
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<8 {
                group.addTask {
                    for _ in 0..<2000 where limits.acquire(.connections) {
                        #expect(limits.activeCount(.connections) > 0)
                        limits.release(.connections)
                    }
                }
            }
        }
        #expect(limits.activeCount(.connections) == 0)
    }
}
