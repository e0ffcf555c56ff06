import Balancing
import Mesh
import Telemetry

/// The balancer and the histogram.
var otherOperations: [Operation] {
    [
        Operation("endpoint chosen and reported, round robin") { try balance(.roundRobin, $0) },
        Operation("endpoint chosen and reported, least request") {
            try balance(.leastRequest(choices: 2), $0)
        },
        Operation("duration recorded", run: record),
    ]
}

private func balance(_ policy: Cluster.LoadBalancing, _ count: Int) throws -> UInt64 {
    let endpoints = try (1...3).map { try Endpoint(host: "127.0.0.1", port: 9000 + $0) }
    let assignment = try EndpointAssignment(
        clusterName: "reviews/v1",
        localities: [try LocalityEndpoints(priority: 0, endpoints: endpoints)])
    let cluster = try Cluster(
        name: "reviews/v1", discovery: .static(assignment), loadBalancing: policy)
    var balancer = ClusterBalancer(seed: 1)
    _ = balancer.update(cluster: cluster, assignment: nil, now: 0)
    var sum: UInt64 = 0
    for number in 0..<count {
        let now = UInt64(number) &* 1000
        guard let endpoint = balancer.choose(now: now) else { continue }
        balancer.requestStarted(endpoint)
        balancer.report(.answered(status: 200), for: endpoint, now: now)
        balancer.requestEnded(endpoint)
        sum &+= UInt64(endpoint.slot)
    }
    return sum
}

private func record(_ count: Int) -> UInt64 {
    let histogram = Histogram()
    for number in 0..<count { histogram.record(nanoseconds: UInt64(number) &* 50_000) }
    var summary = HistogramSummary()
    histogram.add(to: &summary)
    return summary.count
}
