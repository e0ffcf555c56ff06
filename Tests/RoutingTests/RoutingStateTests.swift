import Dispatch
import Mesh
import Synchronization
import Testing

@testable import Routing

@Suite struct `Routing over pushes` {
    @Test(arguments: [1, 2, 5, 8])
    func `is exact over any number of threads`(threadCount: Int) throws {
        var state = RoutingState(seed: 42)
        let plan = state.publish(try snapshot([("v1", 95), ("v2", 5)]))
        let perThread = 40_000 / threadCount
        let tables = (0..<threadCount).compactMap { _ in plan.makeTables()["outbound"] }
        let picked = Atomic<Int>(0)
        DispatchQueue.concurrentPerform(iterations: tables.count) { thread in
            let head = Request("/").makeHead()
            var count = 0
            for _ in 0..<perThread {
                guard let route = tables[thread].match(head) else { continue }
                if tables[thread].destination(of: route)?.cluster == 1 { count += 1 }
            }
            picked.wrappingAdd(count, ordering: .relaxed)
        }
        #expect(picked.load(ordering: .relaxed) == 2000)
    }

    @Test func `goes on counting when the weights of a route stay`() throws {
        var state = RoutingState(seed: 1)
        let first = state.publish(try snapshot([("v1", 9), ("v2", 1)], path: "/"))
        var count = take(15, from: first)
        // Another route is pushed, the weights are rescaled and stand in another order.
        let second = state.publish(try snapshot([("v2", 10), ("v1", 90)], path: "/new"))
        #expect(second.number == first.number + 1)
        count += take(25, from: second)
        #expect(count == 4)
    }

    @Test func `is exact from the first request after a push on`() throws {
        for seed in 0..<50 as Range<UInt64> {
            var state = RoutingState(seed: seed)
            _ = take(7, from: state.publish(try snapshot([("v1", 95), ("v2", 5)])))
            let plan = state.publish(try snapshot([("v1", 75), ("v2", 25)]))
            #expect(take(100, from: plan) == 25)
        }
    }

    @Test func `gives the same plan when no route changed`() throws {
        var state = RoutingState(seed: 1)
        var snapshot = try snapshot([("v1", 9), ("v2", 1)])
        let first = state.publish(snapshot)
        snapshot.clusters["v1"] = try Cluster(name: "v1", discovery: .eds(serviceName: "v1"))
        snapshot.versions.clusters = "2"
        #expect(state.publish(snapshot).number == first.number)
    }

    @Test func `gives inline routes of one name to the listeners that have them`() throws {
        func listener(_ name: String, _ cluster: String) throws -> Listener {
            let route = Route(
                match: RouteMatch(path: .prefix("/")),
                action: .forward(try ForwardAction(destination: .cluster(cluster))))
            let host = try VirtualHost(name: "all", domains: [.any], routes: [route])
            return try Listener(
                name: name, host: "::", port: 0,
                routes: .inline(try RouteConfiguration(name: "local_route", virtualHosts: [host])))
        }
        var state = RoutingState(seed: 1)
        let plan = state.publish(
            Snapshot(listeners: [
                "in": try listener("in", "app"), "out": try listener("out", "world"),
                "later": try Listener(
                    name: "later", host: "::", port: 0, routes: .discovered("unknown")),
            ]))
        let tables = plan.makeTables()
        #expect(plan.clusterNames == ["app", "world"])
        #expect(tables.keys.sorted() == ["in", "out"])
        for (name, cluster) in [("in", 0), ("out", 1)] {
            let table = try #require(tables[name])
            let head = Request("/").makeHead()
            let route = table.match(head)
            #expect(route.flatMap { table.destination(of: $0) }?.cluster == cluster)
        }
    }

    @Test func `keeps users over pushes, and both arms of them`() throws {
        var state = RoutingState(seed: 1)
        var before: [Int] = []
        for next in [1, 5, 25, 100] as [UInt32] {
            let plan = state.publish(
                try snapshot([("v1", 100 - next), ("v2", next)], isSticky: true))
            let table = try #require(plan.makeTables()["outbound"])
            let after = (0..<2000).map { cluster(of: "user-\($0)", table) }
            for (old, new) in zip(before, after) { #expect(old <= new) }
            let share = Double(after.reduce(0, +)) / 2000
            #expect(abs(share - Double(next) / 100) < 0.03)
            before = after
        }
    }

    private func cluster(of user: String, _ table: RouteTable) -> Int {
        let head = Request("/", [("x-user", user)]).makeHead()
        guard let route = table.match(head) else { return -1 }
        let key = table.stickyKey(of: route, head: head, source: Span(), freshID: 0)
        return table.destination(of: route, key: key)?.cluster ?? -1
    }

    /// How many of the next `count` requests go to the second cluster.
    private func take(_ count: Int, from plan: RoutingPlan) -> Int {
        guard let table = plan.makeTables()["outbound"],
            let route = table.match(Request("/").makeHead())
        else { return -1 }
        return (0..<count).count { _ in table.destination(of: route)?.cluster == 1 }
    }

    private func snapshot(
        _ weights: [(String, UInt32)], path: String = "/unused", isSticky: Bool = false
    ) throws -> Snapshot {
        let other = Route(
            match: RouteMatch(path: .exact(path)),
            action: .directResponse(try DirectResponseAction(status: 204)))
        let policy = try HashPolicy(.header("X-User"))
        let split = Route(
            name: "reviews/main", match: RouteMatch(path: .prefix("/")),
            action: .forward(
                try ForwardAction(
                    destination: .weighted(try clusters(weights, isSticky: isSticky)),
                    hashPolicies: [policy])))
        let host = try VirtualHost(
            name: "reviews", domains: [.any], routes: path == "/" ? [split] : [other, split])
        let listener = try Listener(
            name: "outbound", host: "127.0.0.1", port: 15001, routes: .discovered("outbound"))
        return Snapshot(
            listeners: ["outbound": listener],
            routeConfigurations: [
                "outbound": try RouteConfiguration(name: "outbound", virtualHosts: [host])
            ])
    }
}
