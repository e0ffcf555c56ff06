import Bytes
import Mesh

@testable import Balancing

/// A repeatable sequence for property tests, whose seed is printed.
struct Chance {
    let seed: UInt64
    private var sequence: RandomSequence

    init(seed: UInt64 = UInt64.random(in: .min ... .max)) {
        self.seed = seed
        sequence = RandomSequence(seed: seed)
        print("seed \(seed)")
    }

    mutating func below(_ bound: Int) -> Int { Int(sequence.below(UInt64(bound))) }
}

func endpoint(
    _ port: UInt16, weight: UInt32 = 1, health: Endpoint.Health = .unknown
) throws -> Endpoint {
    try Endpoint(host: "127.0.0.1", port: port, weight: weight, health: health)
}

func assignment(_ priorities: [[Endpoint]]) throws -> EndpointAssignment {
    try EndpointAssignment(
        clusterName: "reviews/v1",
        localities: priorities.enumerated().map { priority, endpoints in
            try LocalityEndpoints(priority: UInt32(priority), endpoints: endpoints)
        })
}

func cluster(
    _ policy: Cluster.LoadBalancing = .roundRobin, outlierDetection: OutlierDetection? = nil,
    panicThreshold: Double = 50
) throws -> Cluster {
    try Cluster(
        name: "reviews/v1", discovery: .eds(serviceName: "reviews/v1"), loadBalancing: policy,
        outlierDetection: outlierDetection, panicThreshold: panicThreshold)
}

/// A balancer with everything a test needs to drive it.
final class Balance {
    private var balancer: ClusterBalancer
    var now: UInt64 = 1_000_000_000

    init(
        _ priorities: [[Endpoint]], _ cluster: Cluster, seed: UInt64 = 7
    ) throws {
        balancer = ClusterBalancer(seed: seed)
        _ = balancer.update(cluster: cluster, assignment: try assignment(priorities), now: now)
    }

    func update(_ priorities: [[Endpoint]], _ cluster: Cluster) throws -> EndpointChanges {
        balancer.update(cluster: cluster, assignment: try assignment(priorities), now: now)
    }

    func wait(milliseconds: UInt64) {
        now += milliseconds * 1_000_000
    }

    /// The port of the endpoint that is chosen; `nil` when there is none.
    func port(hash: UInt64? = nil) -> UInt16? {
        balancer.choose(hash: hash, now: now).flatMap { balancer.address(of: $0)?.port }
    }

    func counts(of choices: Int) -> [UInt16: Int] {
        var counts: [UInt16: Int] = [:]
        for _ in 0..<choices {
            if let port = port() { counts[port, default: 0] += 1 }
        }
        return counts
    }

    func choose(hash: UInt64? = nil, avoiding: EndpointHandle? = nil) -> EndpointHandle? {
        balancer.choose(hash: hash, avoiding: avoiding, now: now)
    }

    func handle(_ port: UInt16) -> EndpointHandle? {
        balancer.handles.first { balancer.address(of: $0)?.port == port }
    }

    func report(_ outcome: EndpointOutcome, _ port: UInt16, times: Int = 1) {
        guard let handle = handle(port) else { return }
        for _ in 0..<times { balancer.report(outcome, for: handle, now: now) }
    }

    func report(_ outcome: EndpointOutcome, for handle: EndpointHandle) {
        balancer.report(outcome, for: handle, now: now)
    }

    func start(_ handle: EndpointHandle) { balancer.requestStarted(handle) }

    func end(_ handle: EndpointHandle) { balancer.requestEnded(handle) }

    func address(of handle: EndpointHandle) -> EndpointIdentity? { balancer.address(of: handle) }

    func isOnTrial(_ handle: EndpointHandle) -> Bool {
        if case .onTrial = balancer.states[Int(handle.slot)].standing.state { true } else { false }
    }

    func isVacant(_ handle: EndpointHandle) -> Bool {
        balancer.states[Int(handle.slot)].presence == .vacant
    }

    var summaries: [EndpointSummary] { balancer.summaries() }

    var isEmpty: Bool { balancer.isEmpty }

    var slotCount: Int { balancer.slotCount }
}
