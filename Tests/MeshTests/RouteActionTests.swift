import Mesh
import Testing

@Suite struct `A route's action` {
    @Test func `has Envoy's defaults`() throws {
        let action = try ForwardAction(destination: .cluster("a"))
        #expect(action.timeout == .seconds(15))
        #expect(action.idleTimeout == .inherited)
        let retry = try RetryPolicy(conditions: .serverError)
        #expect(retry.retryCount == 1)
        #expect(retry.baseInterval == .milliseconds(25))
        #expect(retry.maximumInterval == .milliseconds(250))
        #expect(try RedirectAction().status == .movedPermanently)
        #expect(RouteMatch(path: .prefix("/")).isCaseSensitive)
        #expect(ListenerLimits.default == (try ListenerLimits()))
    }

    @Test(
        arguments: [
            ("5xx", .serverError), ("", []),
            (
                "connect-failure, refused-stream,unavailable",
                [.connectFailure, .refusedStream, .grpcUnavailable]
            ),
        ] as [(String, RetryPolicy.Conditions)])
    func `reads what to retry on`(text: String, conditions: RetryPolicy.Conditions) throws {
        #expect(try RetryPolicy.Conditions(parsing: text) == conditions)
    }

    @Test func `names the field that is wrong`() {
        expect("retry_on") { () throws(MeshError) in
            _ = try RetryPolicy.Conditions(parsing: "5xx,moon")
        }
        expect("cluster") { () throws(MeshError) in
            _ = try ForwardAction(destination: .cluster(""))
        }
        expect("timeout") { () throws(MeshError) in
            _ = try ForwardAction(destination: .cluster("a"), timeout: .seconds(-1))
        }
        expect("prefix_rewrite") { () throws(MeshError) in
            _ = try ForwardAction(destination: .cluster("a"), pathRewrite: .prefix("/\r\n"))
        }
        expect("host_rewrite_literal") { () throws(MeshError) in
            _ = try ForwardAction(destination: .cluster("a"), hostRewrite: .literal("a\nb"))
        }
        expect("retry_back_off.max_interval") { () throws(MeshError) in
            _ = try RetryPolicy(conditions: [], maximumInterval: .milliseconds(1))
        }
        expect("status") { () throws(MeshError) in _ = try DirectResponseAction(status: 199) }
        expect("body") { () throws(MeshError) in
            _ = try DirectResponseAction(status: 200, body: Array(repeating: 0, count: 4097))
        }
        expect("path") { () throws(MeshError) in
            _ = try HashPolicy.Cookie(name: "a", path: "/; Domain=b")
        }
        expect("pattern.regex") { () throws(MeshError) in
            _ = try RegexRewrite(pattern: "(", substitution: "")
        }
        expect("clusters") { () throws(MeshError) in
            let entry = try WeightedClusters.Entry(name: "a", weight: 1)
            _ = try WeightedClusters(entries: Array(repeating: entry, count: 1025))
        }
    }

    @Test(arguments: ["", "a", "/", "/a/", "/a?b", "/a#"])
    func `refuses a prefix that does not end with a segment`(text: String) {
        expect("path_separated_prefix") { () throws(MeshError) in
            _ = try PathMatcher.separatedPrefix(parsing: text)
        }
    }
}

@Suite struct `A snapshot` {
    @Test func `tells which references lead nowhere`() throws {
        let split = try WeightedClusters(entries: [
            .init(name: "a/v1", weight: 1), .init(name: "a/v2", weight: 1),
        ])
        let route = Route(
            match: RouteMatch(path: .prefix("/")),
            action: .forward(try ForwardAction(destination: .weighted(split))))
        let host = try VirtualHost(name: "a", domains: [.any], routes: [route])
        let routes = try RouteConfiguration(name: "outbound", virtualHosts: [host])
        var snapshot = Snapshot(listeners: [
            "one": try Listener(
                name: "one", host: "::", port: 1, routes: .discovered("outbound")),
            "two": try Listener(name: "two", host: "::", port: 2, routes: .inline(routes)),
        ])
        let path = "virtual_hosts[0].routes[0].route"
        snapshot.clusters["a/v1"] = try Cluster(
            name: "a/v1", discovery: .eds(serviceName: "service"))
        #expect(
            snapshot.missingReferences == [
                .routeConfiguration("outbound", listener: "one"),
                .cluster("a/v2", routeConfiguration: "outbound", path: path),
                .assignment("service", cluster: "a/v1"),
            ])
        snapshot.routeConfigurations["outbound"] = routes
        snapshot.assignments["service"] = try EndpointAssignment(clusterName: "service")
        snapshot.clusters["a/v2"] = try Cluster(
            name: "a/v2",
            discovery: .static(try EndpointAssignment(clusterName: "a/v2")))
        #expect(snapshot.missingReferences == [])
    }
}
