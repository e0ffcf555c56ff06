import Mesh
import RegularExpressions
import Testing
import XDS

@testable import Control

@Suite struct `A catalog` {
    private func profile(
        _ metadata: [String: String] = [:], isSecure: Bool = false
    ) throws -> SidecarProfile {
        try SidecarProfile(
            NodeIdentity(
                id: "x", cluster: "reviews", metadata: metadata.mapValues { .string($0) }),
            isSecure: isSecure)
    }

    @Test func `is a consistent snapshot for a sidecar`() throws {
        let snapshot = try decoded(catalog(["reviews": reviews]).offer(for: profile()))
        #expect(snapshot.listeners.keys.sorted() == ["outbound"])
        let listener = try #require(snapshot.listeners["outbound"])
        #expect(listener.host == "127.0.0.1" && listener.port == 15001)
        #expect(listener.routes == .discovered("outbound"))
        #expect(snapshot.clusters.keys.sorted() == ["reviews/v1", "reviews/v2"])
        #expect(snapshot.assignments["reviews/v2"]?.localities.first?.weight == 1)
        #expect(
            snapshot.assignments["reviews/v2"]?.localities.first?.endpoints.first?.host == "::1")

        let host = try #require(snapshot.routeConfigurations["outbound"]?.virtualHosts.first)
        #expect(
            host.domains.map(\.description) == [
                "reviews", "reviews:80", "reviews.default", "reviews.default:80",
                "reviews.default.svc", "reviews.default.svc:80",
                "reviews.default.svc.cluster.local", "reviews.default.svc.cluster.local:80",
            ])
        #expect(host.routes.map(\.name) == ["reviews/beta", "reviews/default"])
        guard case .forward(let action) = host.routes[1].action,
            case .weighted(let split) = action.destination
        else {
            Issue.record("the route forwards to no split")
            return
        }
        #expect(split.entries.map(\.name) == ["reviews/v1", "reviews/v2"])
        #expect(split.entries.map(\.weight) == [950_000, 50_000])
        #expect(split.usesHashPolicy)
        #expect(action.timeout == .seconds(15))
        let cookie = try HashPolicy.Cookie(name: "user", timeToLive: .zero, path: "/")
        #expect(try action.hashPolicies == [HashPolicy(.cookie(cookie))])
        // An inbound configuration is there for those who have such a listener.
        let missing = snapshot.missingReferences.filter {
            if case .cluster("inbound", "inbound", _) = $0 { false } else { true }
        }
        #expect(missing.isEmpty)
    }

    @Test func `has an inbound side where the node says so`() throws {
        let profile = try profile([
            "outbound_address": "127.0.0.1:15101", "inbound_address": "0.0.0.0:0",
            "application_address": "127.0.0.1:8080",
        ])
        let snapshot = try decoded(catalog(["reviews": reviews]).offer(for: profile))
        #expect(snapshot.listeners["outbound"]?.port == 15101)
        #expect(snapshot.listeners["inbound"]?.port == 0)
        #expect(snapshot.listeners["inbound"]?.direction == .inbound)
        let endpoints = snapshot.assignments["inbound"]?.localities.first?.endpoints
        #expect(endpoints?.map(\.port) == [8080])
        #expect(snapshot.missingReferences.isEmpty)
    }

    @Test(arguments: [
        ["outbound_address": "localhost:1"], ["outbound_address": "127.0.0.1"],
        ["inbound_address": "127.0.0.1:1"], ["application_address": "127.0.0.1:0"],
    ])
    func `refuses a node that says nonsense`(metadata: [String: String]) {
        let error = #expect(throws: MeshError.self) { try profile(metadata) }
        #expect(error?.path.hasPrefix("node.metadata.") == true)
    }

    @Test(arguments: [
        "reviews", "reviews:50051", "reviews.default", "reviews.default.svc.cluster.local:80",
    ])
    func `has a listener under the target that a gRPC client calls`(target: String) throws {
        let offer = try catalog(["reviews": reviews]).offer(forTargets: [target, "other"])
        #expect(offer.listeners.resources.keys.sorted() == [target])
        let json = try #require(try offer.listeners.resources[target]?.json())
        #expect(json.contains("api_listener") && !json.contains("filter_chains"))
        #expect(json.contains("reviews") && json.contains("router"))
        let body = try #require(offer.routeConfigurations.resources["reviews"]?.body)
        var decoder = ResourceDecoder()
        let routes = try decoder.routeConfiguration(body)
        #expect(routes.virtualHosts.first?.domains == [.any])
    }

    @Test func `shares what has not changed`() throws {
        var world = World().applying(["a": try service("a"), "b": try service("b")])
        let first = try Catalog(world, after: nil)
        world = world.applying(["a": try service("a", weights: ["v2": Weight(1)])])
        let second = try Catalog(world, after: first)
        let before = try first.offer(for: profile())
        let after = try second.offer(for: profile())
        #expect(before.clusters.resources == after.clusters.resources)
        #expect(before.endpointAssignments.resources == after.endpointAssignments.resources)
        #expect(before.listeners.resources == after.listeners.resources)
        #expect(before.routeConfigurations.resources != after.routeConfigurations.resources)
        #expect(after.routeConfigurations.version == "2")
    }

    @Test func `is the same, made anew or out of the one before`() throws {
        let seed = UInt64.random(in: 1...UInt64.max)
        var generator = Generator(state: seed)
        var world = World()
        var catalog = try Catalog(world, after: nil)
        for _ in 0..<60 {
            let name = "s\(Int.random(in: 0..<8, using: &generator))"
            let weight = UInt32.random(in: 1...3, using: &generator)
            let isGone = Int.random(in: 0..<4, using: &generator) == 0
            world = world.applying(
                [name: isGone ? nil : try anyService(name, Weight(weight), &generator)])
            catalog = try Catalog(world, after: catalog)
            try catalog.check()
            let anew = try Catalog(world, after: nil)
            for isSecure in [false, true] {
                let profile = try profile(isSecure: isSecure)
                #expect(
                    try catalog.offer(for: profile) == anew.offer(for: profile), "seed \(seed)")
            }
            #expect(world.names == world.services.keys.sorted(), "seed \(seed)")
        }
        // Also what all services are in together is as a proxy takes it.
        let profile = try profile([
            "inbound_address": "127.0.0.1:1", "application_address": "127.0.0.1:2",
        ])
        #expect(try decoded(catalog.offer(for: profile)).missingReferences == [])
    }

    @Test func `speaks HTTP/2 to those who want it`() throws {
        let grpc = #"{"protocol": "grpc", "versions": {"v1": {"endpoints": []}}}"#
        let snapshot = try decoded(catalog(["reviews": grpc]).offer(for: profile()))
        #expect(snapshot.clusters["reviews/v1"]?.upstreamProtocol == .http2)
        #expect(snapshot.assignments["reviews/v1"]?.localities.isEmpty == true)
    }

    @Test(arguments: [("", nil), (#", "timeout": "2s""#, Duration.seconds(2))])
    func `leaves the time of a call to its client`(asked: String, timeout: Duration?) throws {
        let service = """
            {"protocol": "grpc", "versions": {"v1": {"endpoints": []}},
             "routes": [{"split": {"v1": 1}\(asked)}]}
            """
        let snapshot = try decoded(catalog(["reviews": service]).offer(for: profile()))
        let route = snapshot.routeConfigurations["outbound"]?.virtualHosts.first?.routes.first
        guard case .forward(let action)? = route?.action else {
            Issue.record("no route forwards")
            return
        }
        #expect(action.timeout == timeout)
        #expect(action.streamLimits.grpcTimeout == .honoured(maximum: nil, margin: .zero))
    }

    @Test(arguments: [
        (#""x""#, "a=b; c=x", true), (#""x""#, "c=x", true), (#""x""#, "c=xy", false),
        (#""x""#, "cc=x", false), (#""x.z""#, "c=xyz", false), (#""x.z""#, "c=x.z; d=e", true),
        (#""x.\u0301z""#, "c=xy\u{301}z", false),
        (#"{"prefix": "x"}"#, "b=1;c=xy;d=2", true), (#"{"suffix": "y"}"#, "c=xy; d=y", true),
        (#"{"suffix": "y"}"#, "c=x; d=y", false), (#"{"contains": "y"}"#, "c=xyz", true),
        (#"{"contains": "y"}"#, "c=x; d=y", false), (#"{"regex": "x|y"}"#, "c=y", true),
        (#"{"regex": "x|y"}"#, "c=z", false), (#"{"present": true}"#, "c=", true),
        (#"{"present": true}"#, "d=c", false), (#"{"present": false}"#, "d=c", true),
        (#"{"present": false}"#, "c=1", false), (#"{"present": false}"#, "", true),
    ])
    func `matches a cookie among others`(condition: String, field: String, isMatch: Bool) throws {
        let text = """
            {"versions": {"v1": {"endpoints": []}},
             "routes": [{"match": {"cookies": {"c": \(condition)}}, "split": {"v1": 1}}]}
            """
        let snapshot = try decoded(catalog(["reviews": text]).offer(for: profile()))
        let route = snapshot.routeConfigurations["outbound"]?.virtualHosts.first?.routes.first
        let matcher = try #require(route?.match.headers.first)
        #expect(matcher.name == "cookie")
        guard case .string(let string) = matcher.condition, case .regex(let regex) = string.pattern
        else {
            Issue.record("the cookie is not matched by an expression")
            return
        }
        #expect((regex.matches(Array(field.utf8).span) != matcher.isInverted) == isMatch)
    }

    @Test func `has a listener for a service that is reached by an address`() throws {
        let offer = try catalog(["db": database, "reviews": reviews]).offer(for: profile())
        let snapshot = try decoded(offer)
        #expect(snapshot.listeners.keys.sorted() == ["db", "outbound"])
        let listener = try #require(snapshot.listeners["db"])
        #expect(listener.host == "127.0.0.1" && listener.port == 5432)
        guard case .tunnel(let rules) = listener.routes,
            case .weighted(let split) = rules.destination
        else {
            Issue.record("the listener forwards no connections to a split")
            return
        }
        #expect(split.entries.map(\.name) == ["db/v1", "db/v2"])
        #expect(split.entries.map(\.weight) == [950_000, 50_000])
        #expect(rules.routes.virtualHosts.first?.routes.first?.name == "db/default")
        #expect(snapshot.routeConfigurations["outbound"]?.virtualHosts.map(\.name) == ["reviews"])
        #expect(snapshot.routeConfigurations["db"] == nil)
        #expect(try catalog(["db": database]).offer(forTargets: ["db"]).listeners.resources == [:])
    }

    @Test func `leaves a version without a share out, which Envoy would refuse`() throws {
        let text = database.replacing(#""v2": 5"#, with: #""v2": 0"#)
        let snapshot = try decoded(catalog(["db": text]).offer(for: profile()))
        let clusters = snapshot.listeners["db"]?.inlineRoutes?.clusterReferences.map(\.name)
        #expect(clusters == ["db/v1"])
    }

    @Test func `forwards what comes in as it is where the service is`() throws {
        let profile = try SidecarProfile(
            NodeIdentity(
                id: "x", cluster: "db",
                metadata: [
                    "inbound_address": .string("127.0.0.1:1"),
                    "application_address": .string("127.0.0.1:2"),
                ]))
        let snapshot = try decoded(catalog(["db": database]).offer(for: profile))
        let routes = snapshot.listeners["inbound"]?.inlineRoutes
        #expect(routes?.clusterReferences.map(\.name) == ["inbound"])
        #expect(snapshot.missingReferences == [])
    }

    @Test func `has one service at an address`() {
        let error = #expect(throws: MeshError.self) {
            try catalog(["db": database, "other": database])
        }
        #expect(error?.path == "services.other.listen")
    }

    /// A service that is reached by its name or, one time in three, by an address of its own.
    private func anyService(
        _ name: String, _ weight: Weight, _ generator: inout Generator
    ) throws -> Service {
        let security = Service.Security.allCases.randomElement(using: &generator) ?? .off
        let byName = try service(name, weights: ["v1": weight], security: security)
        if Int.random(in: 0..<3, using: &generator) > 0 { return byName }
        return try Service(
            name: name, application: .tcp,
            listen: try EndpointAddress(parsing: "127.0.0.1:1\(name.dropFirst())"),
            security: security, versions: byName.versions,
            routes: [ServiceRoute.Draft(weights: ["v1": weight])])
    }

    private func service(
        _ name: String, weights: [String: Weight] = ["v1": Weight(1)],
        security: Service.Security = .off
    ) throws -> Service {
        try Service(
            name: name, security: security,
            versions: ["v1", "v2"].map { try Version(name: $0, endpoints: []) },
            routes: [.init(weights: weights)])
    }
}
