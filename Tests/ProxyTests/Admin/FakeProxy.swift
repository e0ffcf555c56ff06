import Balancing
import Kernel
import Mesh
import Telemetry
import XDS

@testable import Proxy

/// A proxy that does nothing but remember what it was asked for.
final class FakeProxy: AdminSource {
    var adminState = AdminState(
        version: "1.2.3",
        node: NodeIdentity(
            id: "client-1", cluster: "client", metadata: ["outbound_address": .string("x\"y")]),
        phase: .live, workerCount: 2, uptimeSeconds: 61, options: [("mode", "serve")])
    var commands: [AdminCommand] = []
    var endpoints: [String: [EndpointSummary]] = [:]
    let worker = WorkerMetrics()

    init() throws {
        let static1 = try assignment([9001, 9002])
        let cluster = try Cluster(name: "reviews/v1", discovery: .eds(serviceName: "reviews/v1"))
        let route = try Route(
            name: "reviews/default", match: RouteMatch(path: .prefix("/")),
            action: .forward(ForwardAction(destination: .cluster("reviews/v1"))))
        let listener = try Mesh.Listener(
            name: "outbound", host: "127.0.0.1", port: 15001, direction: .outbound,
            routes: .discovered("outbound"))
        adminState.snapshot = Snapshot(
            listeners: ["outbound": listener],
            routeConfigurations: [
                "outbound": try RouteConfiguration(
                    name: "outbound",
                    virtualHosts: [VirtualHost(name: "all", domains: [.any], routes: [route])])
            ], clusters: ["reviews/v1": cluster], assignments: ["reviews/v1": static1],
            versions: .init(listeners: "7", routes: "8", clusters: "9", endpoints: "10"))
        adminState.appliedAt = Timestamp(unixMilliseconds: 0)
        adminState.listeners = [
            .init(name: "outbound", host: "127.0.0.1", port: 15001),
            .init(name: "inbound", host: "::", port: 15006),
        ]
        var balancer = ClusterBalancer(seed: 1)
        _ = balancer.update(cluster: cluster, assignment: static1, now: 0)
        for handle in balancer.handles where balancer.address(of: handle)?.port == 9001 {
            balancer.report(.connectFailed, for: handle, now: 0)
        }
        endpoints = ["reviews/v1": EndpointSummary.merged([balancer.summaries()])]
        worker.cluster("reviews/v1").record(status: 200, nanoseconds: 1)
    }

    var metricsReport: MetricsReport {
        MetricsReport(
            summary: MetricsSummary(of: [worker]), limits: ["reviews/v1": ClusterLimits()],
            discovery: DiscoveryMetrics(), snapshot: adminState.snapshot, usage: .current(),
            version: "1.2.3", workerCount: 1, uptimeNanoseconds: 61_000_000_000,
            configurationAgeNanoseconds: nil, isReady: true, droppedLogLineCount: 0)
    }

    func describeEndpoints(_ completion: @escaping ([String: [EndpointSummary]]) -> Void) {
        completion(endpoints)
    }

    func perform(_ command: AdminCommand) {
        commands.append(command)
        if case .setLogLevel(let level) = command { adminState.logLevel = level }
    }

    /// Answers a request for `target`, a path with a query of simple parameters.
    func answer(
        _ target: String, method: String = "GET", hasOrigin: Bool = false
    ) -> AdminResponse {
        let parts = target.split(separator: "?", maxSplits: 1)
        let parameters = (parts.count > 1 ? parts[1].split(separator: "&") : []).map { part in
            let pair = part.split(separator: "=", maxSplits: 1).map(String.init)
            return (name: pair[0], value: pair.count > 1 ? pair[1] : "")
        }
        let request = AdminRequest(
            method: method, path: String(parts[0]), parameters: parameters, hasOrigin: hasOrigin)
        var answer: AdminResponse?
        AdminInterface(self).handle(request) { answer = $0 }
        return answer ?? AdminResponse(status: 0, text: "no answer")
    }
}

private func assignment(_ ports: [UInt16]) throws -> EndpointAssignment {
    try EndpointAssignment(
        clusterName: "reviews/v1",
        localities: [
            LocalityEndpoints(
                locality: Locality(region: "r", zone: "z"),
                endpoints: try ports.map { try Endpoint(host: "127.0.0.1", port: $0) })
        ])
}

extension AdminResponse {
    var text: String { String(decoding: body, as: UTF8.self) }
}
