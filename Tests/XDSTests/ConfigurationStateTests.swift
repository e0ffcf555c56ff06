import Mesh
import Testing
import XDS

@Suite struct `What a proxy makes of a control plane's words` {
    @Test func `is one configuration when all has come, and every answer comes after it`() throws {
        var proxy = try Proxy()
        proxy.open()
        #expect(proxy.asked.map(\.typeURL) == [ResourceType.cluster, .listener].map(\.typeURL))
        #expect(proxy.asked.first?.node?.id == "id")
        #expect(proxy.asked.last?.node == nil)
        try proxy.hear(.cluster, "1", [eds("a")])
        #expect(proxy.asked.suffix(2).map(\.resourceNames) == [["a"], []])
        try proxy.hear(.endpointAssignment, "1", [assignment("a")])
        try proxy.hear(.listener, "1", [listener("l", routes: "r")])
        #expect(!proxy.state.isReady)
        try proxy.hear(.routeConfiguration, "1", [routes("r", to: ["a"])])
        #expect(proxy.state.isReady)
        #expect(proxy.state.inEffect.missingReferences.isEmpty)
        #expect(proxy.state.inEffect.listeners.count == 1)
        let versions = proxy.state.inEffect.versions
        #expect(versions.routes == "1" && versions.clusters == "1" && versions.listeners == "1")
        #expect(proxy.rejections.isEmpty)
    }

    @Test func `waits for an apply, and merges what comes meanwhile`() throws {
        var proxy = try Proxy.serving()
        proxy.appliesAtOnce = false
        try proxy.hear(.routeConfiguration, "2", [routes("r", to: ["a"], path: "/2")])
        for version in 3...9 {
            let route = try routes("r", to: ["a"], path: "/\(version)")
            try proxy.hear(.routeConfiguration, "\(version)", [route])
        }
        #expect(proxy.acceptedVersions(.routeConfiguration) == ["1"])
        proxy.finishApply()
        proxy.finishApply()
        #expect(proxy.acceptedVersions(.routeConfiguration) == ["1", "9"])
        #expect(proxy.applyCount == 2)
    }

    @Test func `holds routes to an unknown cluster, and refuses them after a while`() throws {
        var proxy = try Proxy.serving()
        try proxy.hear(.routeConfiguration, "2", [routes("r", to: ["b"])])
        #expect(proxy.acceptedVersions(.routeConfiguration) == ["1"])
        #expect(proxy.state.deadline == .seconds(15))
        proxy.pass(.seconds(14))
        #expect(proxy.rejections.isEmpty)
        proxy.pass(.seconds(15))
        let reason =
            "RouteConfiguration \"r\": virtual_hosts[0].routes[0].route: unknown cluster \"b\""
        #expect(proxy.rejections == [reason])
        #expect(proxy.asked.last?.version == "1")
        #expect(proxy.state.inEffect.routeConfigurations["r"]?.clusterReferences.first?.name == "a")
        #expect(proxy.state.deadline == nil)
    }

    @Test func `takes held routes when their cluster comes and is warm`() throws {
        var proxy = try Proxy.serving()
        try proxy.hear(.routeConfiguration, "2", [routes("r", to: ["b"])])
        try proxy.hear(.cluster, "2", [eds("a"), eds("b")])
        #expect(proxy.acceptedVersions(.cluster) == ["1", "2"])
        #expect(proxy.asked.contains { $0.resourceNames == ["a", "b"] })
        #expect(proxy.acceptedVersions(.routeConfiguration) == ["1"])
        try proxy.hear(.endpointAssignment, "2", [assignment("b")])
        #expect(proxy.acceptedVersions(.routeConfiguration) == ["1", "2"])
        #expect(proxy.state.inEffect.routeConfigurations["r"]?.clusterReferences.first?.name == "b")
    }

    @Test func `uses a cluster without its endpoints after a while`() throws {
        var proxy = try Proxy.serving()
        try proxy.hear(.cluster, "2", [eds("a"), eds("b")])
        try proxy.hear(.routeConfiguration, "2", [routes("r", to: ["b"])])
        #expect(proxy.state.inEffect.clusters["b"] == nil)
        proxy.pass(.seconds(15))
        #expect(proxy.state.inEffect.assignments["b"]?.localities.isEmpty == true)
        #expect(proxy.acceptedVersions(.routeConfiguration) == ["1", "2"])
        #expect(
            proxy.notices.contains(.gaveUpWaiting(for: .endpointAssignment, name: "b")))
    }

    @Test func `keeps a removed cluster until no route uses it`() throws {
        var proxy = try Proxy.serving()
        try proxy.hear(.cluster, "2", [eds("b")])
        try proxy.hear(.endpointAssignment, "2", [assignment("b")])
        #expect(proxy.state.inEffect.clusters.keys.sorted() == ["a", "b"])
        #expect(proxy.acceptedVersions(.cluster) == ["1", "2"])
        try proxy.hear(.routeConfiguration, "2", [routes("r", to: ["b"])])
        #expect(proxy.state.inEffect.clusters.keys.sorted() == ["b"])
        #expect(proxy.asked.last?.resourceNames == ["b"])
    }

    @Test func `keeps the last good configuration when a response is wrong`() throws {
        var proxy = try Proxy.serving()
        let before = proxy.state.inEffect
        let wrong = Resource(type: .cluster, name: "x", body: [0xFF])
        try proxy.hear(.cluster, "2", [wrong])
        #expect(proxy.rejections == ["Cluster: not a readable envoy.config.cluster.v3.Cluster"])
        #expect(proxy.asked.last?.version == "1")
        #expect(proxy.asked.last?.responseNonce == proxy.latestNonce)
        #expect(proxy.state.inEffect == before)
        try proxy.hear(.listener, "2", [listener("l", routes: "r"), listener("l", routes: "r")])
        #expect(proxy.rejections.last == "Listener \"l\": name: stands twice")
    }

    @Test func `refuses what cannot be applied, and applies the rest`() throws {
        var proxy = try Proxy.serving()
        proxy.failing = ["m": "address in use"]
        try proxy.hear(
            .listener, "2", [listener("l", routes: "r"), listener("m", routes: "r")])
        #expect(proxy.rejections == ["Listener \"m\": address in use"])
        #expect(proxy.state.inEffect.listeners.keys.sorted() == ["l"])
        try proxy.hear(.routeConfiguration, "2", [routes("r", to: ["a"], path: "/new")])
        #expect(proxy.acceptedVersions(.routeConfiguration) == ["1", "2"])
        proxy.failing = [:]
        try proxy.hear(
            .listener, "3", [listener("l", routes: "r"), listener("m", routes: "r", port: 2)])
        #expect(proxy.acceptedVersions(.listener) == ["1", "3"])
    }

    @Test func `tries a listener again, and accepts it once it can be opened`() throws {
        var proxy = try Proxy.serving()
        proxy.failing = ["m": "address in use"]
        let both = [try listener("l", routes: "r"), try listener("m", routes: "r")]
        try proxy.hear(.listener, "2", both)
        #expect(proxy.state.deadline == .seconds(1))
        for time in [1, 3, 7, 15, 31, 63, 123] as [Int64] {
            proxy.pass(.seconds(time - 1) + .milliseconds(999))
            let attempts = proxy.applyCount
            proxy.pass(.seconds(time))
            #expect(proxy.applyCount == attempts + 1)
        }
        #expect(proxy.rejections.count == 1)
        #expect(proxy.state.deadline == .seconds(183))
        proxy.failing = [:]
        proxy.pass(.seconds(183))
        #expect(proxy.state.inEffect.listeners.keys.sorted() == ["l", "m"])
        #expect(proxy.acceptedVersions(.listener) == ["1", "2"])
        #expect(proxy.asked.last?.responseNonce == proxy.latestNonce)
        #expect(proxy.asked.last?.errorDetail == nil)
        #expect(proxy.state.deadline == nil)
    }

    @Test func `blames nobody for what was replaced before it failed`() throws {
        var proxy = try Proxy.serving()
        proxy.appliesAtOnce = false
        for (version, port) in [("2", 7), ("3", 8)] as [(String, UInt16)] {
            try proxy.hear(
                .listener, version,
                [listener("l", routes: "r"), listener("m", routes: "r", port: port)])
        }
        proxy.failing = ["m": "address in use"]
        proxy.finishApply()
        proxy.failing = [:]
        proxy.finishApply()
        #expect(proxy.rejections == [])
        #expect(proxy.state.inEffect.listeners["m"]?.port == 8)
        #expect(proxy.acceptedVersions(.listener) == ["1", "3"])
    }

    @Test func `refuses two listeners with one address`() throws {
        var proxy = try Proxy.serving()
        try proxy.hear(
            .listener, "2", ["l", "m"].map { try listener($0, routes: "r", port: 7) })
        #expect(
            proxy.rejections == ["Listener \"m\": address: is that of listener \"l\" already"])
        try proxy.hear(
            .listener, "3", ["l", "m"].map { try listener($0, routes: "r", port: 0) })
        #expect(proxy.acceptedVersions(.listener) == ["1", "3"])
    }

    @Test func `refuses a listener that cannot be opened whenever it is sent`() throws {
        var proxy = try Proxy.serving()
        proxy.failing = ["m": "address in use"]
        let both = [try listener("l", routes: "r"), try listener("m", routes: "r")]
        try proxy.hear(.listener, "2", both)
        try proxy.hear(.listener, "3", both)
        #expect(proxy.rejections.count == 2)
        #expect(proxy.acceptedVersions(.listener) == ["1"])

        // As after a start with a kept configuration whose address is taken meanwhile.
        var saved = proxy.state.saveable.snapshot
        saved.listeners["m"] = try Listener(
            name: "m", host: "127.0.0.1", port: UInt16(UInt8(ascii: "m")),
            routes: .discovered("r"))
        var later = try Proxy(
            saved: SavedConfiguration(cluster: "c", snapshot: saved), failing: proxy.failing)
        later.open()
        try later.hear(.listener, "3", both)
        #expect(later.rejections == ["Listener \"m\": address in use"])
        try later.hear(.listener, "4", [listener("l", routes: "r")])
        #expect(later.acceptedVersions(.listener) == ["4"])
        #expect(later.state.deadline == nil)
    }

    @Test func `serves on while the stream is gone, and says what it has when it is back`() throws {
        var proxy = try Proxy.serving()
        let before = proxy.state.inEffect
        proxy.state.streamDidClose()
        proxy.asked = []
        proxy.open()
        #expect(proxy.state.inEffect == before)
        #expect(proxy.asked.map(\.version) == ["1", "1", "1", "1"])
        #expect(proxy.asked.map(\.responseNonce) == ["", "", "", ""])
        #expect(proxy.asked.map(\.resourceNames) == [[], ["a"], [], ["r"]])
        #expect(proxy.asked.filter { $0.node != nil }.count == 1)
    }

    @Test func `gives a listener no routes after a while without an answer`() throws {
        var proxy = try Proxy()
        proxy.open()
        try proxy.hear(.cluster, "1", [])
        try proxy.hear(.listener, "1", [listener("l", routes: "r")])
        #expect(proxy.state.inEffect.listeners.isEmpty)
        proxy.pass(.seconds(15))
        #expect(proxy.state.inEffect.routeConfigurations["r"]?.virtualHosts.isEmpty == true)
        #expect(proxy.state.isReady)
    }

    @Test func `starts with what was saved`() throws {
        let saved = try Proxy.serving().state.saveable
        var proxy = try Proxy(saved: saved)
        #expect(proxy.state.isReady)
        #expect(proxy.state.inEffect == saved.snapshot)
        proxy.open()
        #expect(proxy.asked.map(\.version) == ["1", "1", "1", "1"])
    }

    @Test func `has its names apart from those of the bootstrap file`() throws {
        let text =
            "static_resources: {listeners: [\(plainListener)], "
            + "clusters: [{name: a, load_assignment: {}}, {name: xds, "
            + "load_assignment: {endpoints: [{lb_endpoints: [{endpoint: {address: "
            + "{socket_address: {address: 127.0.0.1, port_value: 1}}}}]}]}, "
            + "http2_protocol_options: {}}]}\n"
            + "node: {id: i, cluster: c}\ndynamic_resources: {cds_config: {ads: {}, "
            + "resource_api_version: V3}, ads_config: {api_type: GRPC, transport_api_version: V3, "
            + "grpc_services: [{envoy_grpc: {cluster_name: xds}}]}}"
        var proxy = try Proxy(bootstrap: Bootstrap(parsing: Array(text.utf8)))
        #expect(proxy.state.inEffect.clusters.keys.sorted() == ["a", "xds"])
        #expect(!proxy.state.isReady)
        proxy.open()
        try proxy.hear(.cluster, "1", [eds("a")])
        #expect(proxy.rejections.last?.contains("static resource") == true)
        try proxy.hear(.cluster, "2", [])
        #expect(proxy.state.isReady)

        var blocked = try Proxy(
            bootstrap: Bootstrap(parsing: Array(text.utf8)), failing: ["s": "address in use"])
        blocked.open()
        try blocked.hear(.cluster, "1", [eds("b")])
        try blocked.hear(.endpointAssignment, "1", [assignment("b")])
        #expect(blocked.rejections == [])
        #expect(blocked.state.inEffect.clusters.keys.sorted() == ["a", "b", "xds"])
        #expect(!blocked.state.isReady)
        blocked.failing = [:]
        blocked.pass(.seconds(1))
        #expect(blocked.state.inEffect.listeners.keys.sorted() == ["s"])
        #expect(blocked.state.isReady)
    }
}

/// A listener with no routes as it stands in a file.
private let plainListener =
    "{name: s, address: {socket_address: {address: 127.0.0.1, port_value: 0}}, filter_chains: "
    + "[{filters: [{typed_config: {'@type': type.googleapis.com/envoy.extensions.filters.network."
    + "http_connection_manager.v3.HttpConnectionManager, stat_prefix: s, route_config: {}, "
    + "http_filters: [{typed_config: {'@type': "
    + "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router}}]}}]}]}"
