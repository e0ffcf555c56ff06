import Mesh
import SwiftProtobuf
import Testing
import XDS

@Suite struct `A value of the mesh` {
    @Test func `comes back from its resource when it is a listener`() throws {
        var decoder = ResourceDecoder(rejectsUnknownFields: true)
        let limits = try ListenerLimits(
            idleTimeout: nil, streamIdleTimeout: .milliseconds(1500), requestTimeout: .seconds(7),
            requestHeadTimeout: nil, maximumConnectionDuration: .seconds(9),
            maximumHeadByteCount: 16 << 10, maximumFieldCount: 7)
        let listeners = [
            try Listener(
                name: "outbound", host: "127.0.0.1", port: 15001, direction: .outbound,
                routes: .discovered("outbound"), statPrefix: "outbound",
                upgrades: ["websocket", "chat"]),
            try Listener(
                name: "inbound", host: "::", port: 0, direction: .inbound,
                routes: .inline(try routes(name: "inline")), limits: limits, statPrefix: "in",
                accessLogPath: "/dev/stdout"
            ).forwardingCertificates(
                by: CertificateForwarding(.appendForward, [.subject, .chain, .uris])),
            try Listener(name: "resolving", host: "::", port: 1, routes: .discovered("r"))
                .normalizingPaths(by: PathNormalization(resolves: true, escapedSlashes: .keep)),
            try Listener(name: "merging", host: "::", port: 1, routes: .discovered("r"))
                .normalizingPaths(
                    by: PathNormalization(mergesSlashes: true, escapedSlashes: .redirect)),
            try Listener(
                name: "told", host: "::", port: 1, http2: try HTTP2Options(allowsConnect: true),
                routes: .discovered("r")
            )
            .forwardingCertificates(
                by: CertificateForwarding(.sanitizeSet, [.certificate, .hosts])),
            try Listener(name: "patient", host: "::", port: 1, routes: .discovered("r"))
                .inspecting(within: Inspection(timeout: nil, continues: true)),
            try Listener(name: "hasty", host: "::", port: 1, routes: .discovered("r"))
                .inspecting(within: Inspection(timeout: .milliseconds(300))),
            try Listener(
                name: "plain", host: "::", port: 1,
                routes: .tunnel(try TunnelRules(destination: .cluster("a"), name: "plain")),
                statPrefix: "plain"),
            try Listener(
                name: "split", host: "::", port: 1, direction: .outbound,
                routes: .tunnel(
                    try TunnelRules(
                        destination: .weighted(
                            try WeightedClusters(entries: [
                                try WeightedClusters.Entry(name: "a", weight: 95),
                                try WeightedClusters.Entry(name: "b", weight: 5),
                            ])), idleTimeout: nil, maximumConnectAttempts: 3, name: "split")),
                statPrefix: "split", accessLogPath: "/tmp/log"),
        ]
        for listener in listeners {
            let resource = listener.resource
            #expect(resource.name == listener.name)
            #expect(try decoder.listener(resource.body) == listener)
            #expect(try resource.json().contains("\"stat_prefix\""))
        }
    }

    @Test func `comes back from its resource when it is a route configuration`() throws {
        var decoder = ResourceDecoder(rejectsUnknownFields: true)
        let configuration = try routes(name: "outbound")
        #expect(try decoder.routeConfiguration(configuration.resource.body) == configuration)
    }

    @Test func `comes back from its resource when it is a cluster`() throws {
        var decoder = ResourceDecoder(rejectsUnknownFields: true)
        for cluster in try clusters() {
            #expect(try decoder.cluster(cluster.resource.body) == cluster)
            #expect(throws: Never.self) { try cluster.resource.json() }
        }
    }

    @Test func `comes back from its resource when it is an assignment`() throws {
        var decoder = ResourceDecoder(rejectsUnknownFields: true)
        let assignment = try assignment()
        #expect(try decoder.endpointAssignment(assignment.resource.body) == assignment)
    }

    @Test func `has the same bytes each time`() throws {
        for cluster in try clusters() { #expect(cluster.resource == cluster.resource) }
    }
}

private func assignment() throws -> EndpointAssignment {
    try EndpointAssignment(
        clusterName: "reviews/v1",
        localities: [
            try LocalityEndpoints(
                locality: Locality(region: "a", zone: "b", subZone: "c"), priority: 1, weight: 3,
                endpoints: [
                    try Endpoint(host: "10.0.0.1", port: 80, weight: 5, health: .draining),
                    try Endpoint(host: "fe80::1", port: 65535),
                ])
        ], overprovisioningFactor: 100)
}

private func clusters() throws -> [Cluster] {
    [
        try Cluster(name: "a", discovery: .eds(serviceName: "a")),
        try Cluster(
            name: "reviews/v1", discovery: .eds(serviceName: "other"),
            connectTimeout: .milliseconds(250), loadBalancing: .leastRequest(choices: 3),
            circuitBreakers: CircuitBreakers(connections: 1, pendingRequests: 2, requests: 3),
            upstreamProtocol: .http2, outlierDetection: try OutlierDetection(interval: .seconds(2)),
            maximumRequestsPerConnection: 100, idleTimeout: nil, panicThreshold: 0),
        try Cluster(
            name: "static", discovery: .static(try assignment()),
            loadBalancing: try .ringHash(checkingMinimumSize: 10, maximumSize: 20),
            idleTimeout: .seconds(5)),
        try Cluster(name: "random", discovery: .eds(serviceName: "x"), loadBalancing: .random),
        try Cluster(
            name: "many streams", discovery: .eds(serviceName: "x"), upstreamProtocol: .http2,
            http2Options: try HTTP2Options(
                concurrentStreamCount: 7, streamWindowByteCount: 1 << 20,
                connectionWindowByteCount: 2 << 20,
                keepAlive: try HTTP2Options.KeepAlive(
                    interval: .seconds(3), timeout: .milliseconds(1500)))),
        try Cluster(
            name: "as asked", discovery: .eds(serviceName: "x"), upstreamProtocol: .downstream),
        try Cluster(
            name: "as asked, with options", discovery: .eds(serviceName: "x"),
            upstreamProtocol: .downstream,
            http2Options: try HTTP2Options(concurrentStreamCount: 7)),
    ]
}

private func routes(name: String) throws -> RouteConfiguration {
    let mutations = try HeaderMutations(
        add: [
            try HeaderMutations.Addition(name: "x-a", value: "100%% %%x"),
            try HeaderMutations.Addition(
                name: "x-b", value: "", action: .overwriteIfExists, keepsEmptyValue: true),
            try HeaderMutations.Addition(name: "x-c", value: "c", action: .addIfAbsent),
            try HeaderMutations.Addition(name: "x-d", value: "d", action: .overwrite),
        ], remove: ["x-gone"])
    let retry = try RetryPolicy(
        conditions: [.serverError, .connectFailure, .retriableStatusCodes, .grpcUnavailable],
        retryCount: 2, perTryTimeout: .seconds(1), retriableStatusCodes: [429],
        baseInterval: .milliseconds(10), maximumInterval: .milliseconds(50))
    return try RouteConfiguration(
        name: name,
        virtualHosts: [
            try VirtualHost(
                name: "reviews",
                domains: try ["reviews", "*.reviews", "reviews.*", "*"].map {
                    try DomainPattern(parsing: $0)
                },
                routes: try forwarding(mutations, retry) + answering(),
                requestHeaders: mutations, responseHeaders: mutations, retryPolicy: retry)
        ],
        requestHeaders: mutations, responseHeaders: mutations,
        mostSpecificHeaderMutationsWin: true, ignoresPortInHostMatching: true)
}

private func forwarding(
    _ mutations: HeaderMutations, _ retry: RetryPolicy
) throws -> [Route] {
    let match = RouteMatch(
        path: .prefix("/"), isCaseSensitive: false,
        headers: [
            try HeaderMatcher(
                name: "a", .string(try StringMatcher(.exact("b"), ignoresCase: true))),
            try HeaderMatcher(name: ":method", .string(try StringMatcher(regex: "G.*"))),
            try HeaderMatcher(
                name: "c", .range(-1..<5), isInverted: true, treatsMissingAsEmpty: true),
            try HeaderMatcher(name: "d", .present(false)),
        ],
        queryParameters: [
            try QueryParameterMatcher(name: "q"),
            try QueryParameterMatcher(name: "r", .string(try StringMatcher(.contains("x")))),
        ], isGRPC: true)
    let split = try WeightedClusters(
        entries: [
            try WeightedClusters.Entry(
                name: "reviews/v1", weight: 950_000, requestHeaders: mutations,
                responseHeaders: mutations, hostRewrite: "v1"),
            try WeightedClusters.Entry(name: "reviews/v2", weight: 50_000),
        ], usesHashPolicy: true)
    let sticky = try ForwardAction(
        destination: .weighted(split), pathRewrite: .prefix("/new"),
        hostRewrite: .literal("host"), timeout: nil, idleTimeout: .after(.seconds(3)),
        streamLimits: try StreamLimits(
            duration: .seconds(9),
            grpcTimeout: .honoured(maximum: .seconds(5), margin: .milliseconds(20))),
        hashPolicies: [
            try HashPolicy(
                .cookie(try HashPolicy.Cookie(name: "user", timeToLive: .zero, path: "/"))),
            try HashPolicy(.cookie(try HashPolicy.Cookie(name: "other")), isTerminal: true),
            try HashPolicy(.header("x-user")), try HashPolicy(.sourceAddress),
            try HashPolicy(.queryParameter("u")),
        ], retryPolicy: retry)
    let plain = try ForwardAction(
        destination: .cluster("x"),
        pathRewrite: .regex(try RegexRewrite(pattern: "^/a", substitution: "/b\\0")),
        hostRewrite: .header("x-host"), timeout: .milliseconds(1), idleTimeout: .disabled,
        streamLimits: try StreamLimits(
            grpcTimeout: .honoured(maximum: nil, margin: .zero), replacesTimeout: true))
    return [
        Route(
            name: "reviews/sticky", match: match, action: .forward(sticky),
            requestHeaders: mutations, responseHeaders: mutations),
        Route(match: RouteMatch(path: .exact("/x")), action: .forward(plain)),
        Route(
            match: RouteMatch(path: .prefix("")),
            action: .forward(try ForwardAction(destination: .cluster("x")))),
    ]
}

private func answering() throws -> [Route] {
    [
        Route(
            match: RouteMatch(path: try .separatedPrefix(parsing: "/a")),
            action: .redirect(
                try RedirectAction(
                    status: .permanentRedirect, scheme: "https", host: "h", port: 8443,
                    path: .replace("/x"), stripsQuery: true))),
        Route(
            match: RouteMatch(path: try .regex(parsing: "/[a-z]+")),
            action: .directResponse(try DirectResponseAction(status: 503, body: [0xFF, 0x00]))),
        Route(
            match: RouteMatch(path: .prefix("/")),
            action: .directResponse(
                try DirectResponseAction(status: 200, body: Array("ok".utf8)))),
    ]
}
