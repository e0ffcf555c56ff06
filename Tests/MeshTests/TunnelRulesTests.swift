import Mesh
import Testing

@Suite struct `Rules for tunnels` {
    private func split(_ weights: [UInt32]) throws -> ForwardAction.Destination {
        .weighted(
            try WeightedClusters(
                entries: try weights.enumerated().map {
                    try WeightedClusters.Entry(name: "v\($0)", weight: $1)
                }))
    }

    @Test func `lead every connection to one route`() throws {
        let rules = try TunnelRules(destination: try split([95, 5]), name: "db")
        #expect(rules.routes.virtualHosts.map(\.domains.count) == [1])
        let route = try #require(rules.routes.virtualHosts.first?.routes.first)
        #expect(route.name == "db")
        guard case .forward(let action) = route.action else {
            Issue.record("it does not forward")
            return
        }
        #expect(action.destination == rules.destination)
        #expect(action.timeout == nil)
    }

    @Test func `make their clusters needed`() throws {
        let listener = try Listener(
            name: "l", host: "::", port: 1,
            routes: .tunnel(try TunnelRules(destination: .cluster("a"), name: "db")))
        #expect(listener.routeConfigurationName == nil)
        let missing = Snapshot(listeners: ["l": listener]).missingReferences
        #expect(
            missing == [
                .cluster(
                    "a", routeConfiguration: "db", path: "virtual_hosts[0].routes[0].route")
            ])
    }

    @Test func `refuse what no connection could follow`() throws {
        let split = try split([1, 0])
        #expect(throws: MeshError.self) { try TunnelRules(destination: split, name: "a") }
        #expect(throws: MeshError.self) { try TunnelRules(destination: .cluster(""), name: "a") }
        #expect(throws: MeshError.self) {
            try TunnelRules(destination: .cluster("a"), idleTimeout: .zero, name: "a")
        }
        #expect(throws: MeshError.self) {
            try TunnelRules(destination: .cluster("a"), maximumConnectAttempts: 0, name: "a")
        }
    }
}
