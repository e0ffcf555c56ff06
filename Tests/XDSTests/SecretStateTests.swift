import Mesh
import Testing
import XDS

@Suite struct `What needs a secret` {
    @Test func `waits for it while what was there before stays`() throws {
        var proxy = try Proxy.serving()
        let before = proxy.state.inEffect
        try proxy.hear(.cluster, "2", [secured(cluster: "a")])
        #expect(
            proxy.asked.last { $0.errorDetail == nil && $0.typeURL == secretURL }?.resourceNames
                == ["identity", "roots"])
        // It is known, and waits on its own.
        #expect(proxy.acceptedVersions(.cluster) == ["1", "2"])
        #expect(proxy.state.inEffect.clusters == before.clusters)
        try proxy.hear(.secret, "1", [secret("identity").resource])
        #expect(proxy.state.inEffect.clusters == before.clusters)
        try proxy.hear(.secret, "2", [roots("roots").resource])
        #expect(proxy.state.inEffect.clusters["a"]?.security != nil)
        #expect(proxy.acceptedVersions(.secret) == ["1", "2"])
        #expect(proxy.state.inEffect.versions.secrets == "2")
        #expect(proxy.unprovided == [])
    }

    @Test func `is opened with it, and without it only after a while`() throws {
        var proxy = try Proxy.serving()
        try proxy.hear(
            .listener, "2",
            [listener("l", routes: "r"), secured(listener: "m", routes: "r", identity: "x")])
        #expect(proxy.state.inEffect.listeners.keys.sorted() == ["l"])
        #expect(proxy.state.deadline == .seconds(15))
        proxy.pass(.seconds(14))
        #expect(proxy.state.inEffect.listeners.keys.sorted() == ["l"])
        proxy.pass(.seconds(15))
        #expect(proxy.state.inEffect.listeners.keys.sorted() == ["l", "m"])
        #expect(proxy.state.inEffect.secrets == [:])
        proxy.pass(.seconds(16))
        let given = proxy.notices.filter { $0 == .gaveUpWaiting(for: .secret, name: "x") }
        #expect(given.count == 1)
        try proxy.hear(.secret, "1", [secret("x").resource])
        #expect(proxy.state.inEffect.secrets.keys.sorted() == ["x"])
    }

    @Test func `does not replace what works, however long it waits`() throws {
        var proxy = try Proxy.serving()
        let before = proxy.state.inEffect.listeners
        try proxy.hear(.listener, "2", [secured(listener: "l", routes: "r", identity: "x")])
        for time in 1...5 { proxy.pass(.seconds(15 * time)) }
        #expect(proxy.state.inEffect.listeners == before)
        #expect(proxy.notices.count { $0 == .gaveUpWaiting(for: .secret, name: "x") } == 1)
        try proxy.hear(.routeConfiguration, "2", [routes("r", to: ["a"], path: "/new")])
        #expect(proxy.acceptedVersions(.routeConfiguration) == ["1", "2"])
        try proxy.hear(.secret, "1", [secret("x").resource])
        #expect(proxy.state.inEffect.listeners["l"]?.chains.first?.security != nil)
    }

    @Test func `finds it there when it came before`() throws {
        var proxy = try Proxy.serving()
        try proxy.hear(.listener, "2", [secured(listener: "l", routes: "r", identity: "x")])
        try proxy.hear(.secret, "1", [secret("x").resource])
        let applyCount = proxy.applyCount
        try proxy.hear(
            .listener, "3",
            ["l", "m"].map { try secured(listener: $0, routes: "r", identity: "x") })
        #expect(proxy.state.inEffect.listeners.keys.sorted() == ["l", "m"])
        #expect(proxy.applyCount == applyCount + 1)
    }

    @Test func `goes on with the last good one when a new one is refused`() throws {
        var proxy = try Proxy.withSecrets()
        let before = proxy.state.inEffect.secrets
        try proxy.hear(.secret, "2", [secret("identity", "damaged").resource])
        #expect(proxy.rejections == ["Secret \"identity\": is damaged"])
        #expect(proxy.asked.last?.version == "1")
        #expect(proxy.state.inEffect.secrets == before)
        // It does not stand in the way of anything.
        try proxy.hear(.routeConfiguration, "2", [routes("r", to: ["a"], path: "/new")])
        #expect(proxy.acceptedVersions(.routeConfiguration) == ["1", "2"])
        try proxy.hear(.secret, "3", [Resource(type: .secret, name: "x", body: [0xFF])])
        #expect(proxy.rejections.count == 2)
        #expect(proxy.state.inEffect.secrets == before)
        try proxy.hear(.secret, "4", [secret("identity", "new").resource])
        #expect(proxy.state.inEffect.secrets["identity"] == (try secret("identity", "new")))
        #expect(proxy.acceptedVersions(.secret) == ["1", "4"])
    }

    @Test func `waits for a good one when the first is refused`() throws {
        var proxy = try Proxy.serving()
        try proxy.hear(.cluster, "2", [eds("a"), secured(cluster: "b")])
        try proxy.hear(.endpointAssignment, "2", [assignment("b")])
        try proxy.hear(
            .secret, "1", [secret("identity", "damaged").resource, roots("roots").resource])
        #expect(proxy.rejections == ["Secret \"identity\": is damaged"])
        #expect(proxy.state.inEffect.clusters.keys.sorted() == ["a"])
        #expect(proxy.state.inEffect.secrets.keys.sorted() == ["roots"])
        try proxy.hear(.secret, "2", [secret("identity", "good").resource])
        #expect(proxy.state.inEffect.clusters.keys.sorted() == ["a", "b"])
    }

    @Test func `is tried again with a new one`() throws {
        var proxy = try Proxy.withSecrets()
        proxy.failing = ["m": "secret is not a tls_certificate"]
        let both = try ["l", "m"].map {
            try secured(listener: $0, routes: "r", identity: "identity")
        }
        try proxy.hear(.listener, "2", both)
        #expect(proxy.state.inEffect.listeners.keys.sorted() == ["l"])
        proxy.failing = [:]
        try proxy.hear(.secret, "2", [secret("identity", "new").resource])
        #expect(proxy.state.inEffect.listeners.keys.sorted() == ["l", "m"])
        #expect(proxy.state.deadline == nil)
    }

    @Test func `lets go of it when it is gone`() throws {
        var proxy = try Proxy.withSecrets()
        let applyCount = proxy.applyCount
        try proxy.hear(.cluster, "3", [eds("a")])
        #expect(proxy.state.inEffect.secrets == [:])
        #expect(proxy.asked.last { $0.typeURL == secretURL }?.resourceNames == [])
        #expect(proxy.applyCount == applyCount + 1)
        let count = proxy.asked.count { $0.typeURL == secretURL }
        try proxy.hear(.cluster, "4", [eds("a")])
        #expect(proxy.asked.count { $0.typeURL == secretURL } == count)
    }

    @Test func `is asked for again, with its version, when the stream is back`() throws {
        var proxy = try Proxy.withSecrets()
        proxy.state.streamDidClose()
        proxy.asked = []
        proxy.open()
        let request = proxy.asked.first { $0.typeURL == secretURL }
        #expect(request?.resourceNames == ["identity", "roots"])
        #expect(request?.version == "1")
        #expect(request?.responseNonce == "")
    }

    @Test func `takes the proxy's own, which is not asked for`() throws {
        var proxy = try Proxy.serving()
        proxy.provide(try secret("identity", "own"))
        try proxy.hear(.cluster, "2", [secured(cluster: "a")])
        #expect(proxy.asked.last { $0.typeURL == secretURL }?.resourceNames == ["roots"])
        // Sent all the same, by a server that does not look at names.
        try proxy.hear(.secret, "1", [secret("identity").resource, roots("roots").resource])
        #expect(proxy.state.inEffect.secrets["identity"] == (try secret("identity", "own")))
        let applyCount = proxy.applyCount
        proxy.provide(try secret("identity", "own"))
        #expect(proxy.applyCount == applyCount)
        proxy.provide(try secret("identity", "renewed"))
        #expect(proxy.state.inEffect.secrets["identity"] == (try secret("identity", "renewed")))
        #expect(proxy.applyCount == applyCount + 1)
        proxy.provide(try secret("identity", "damaged"))
        #expect(proxy.state.inEffect.secrets["identity"] == (try secret("identity", "renewed")))
        #expect(proxy.notices.contains(.failed(.secret, name: "identity", reason: "is damaged")))
        #expect(proxy.rejections == [])
    }

    @Test func `takes the proxy's own also when the control plane's is in effect`() throws {
        var proxy = try Proxy.withSecrets()
        proxy.provide(try secret("identity", "own"))
        #expect(proxy.state.inEffect.secrets["identity"] == (try secret("identity", "own")))
        #expect(proxy.asked.last { $0.typeURL == secretURL }?.resourceNames == ["roots"])
    }

    @Test func `is refused when the bootstrap file should have it and has not`() throws {
        var proxy = try Proxy.serving()
        let reference = try SecretReference("x", from: .bootstrap)
        let listener = try Listener(name: "m", host: "127.0.0.1", port: 7, routes: .discovered("r"))
            .secured(by: [
                try FilterChain(
                    security: try DownstreamSecurity(certificates: [.secret(reference)]))
            ])
        try proxy.hear(.listener, "2", [listener.resource])
        #expect(
            proxy.rejections
                == ["Listener \"m\": transport_socket: the bootstrap file has no secret \"x\""])
    }
}

private let secretURL = ResourceType.secret.typeURL

extension Proxy {
    fileprivate static func withSecrets() throws -> Proxy {
        var proxy = try serving()
        try proxy.hear(.cluster, "2", [secured(cluster: "a")])
        try proxy.hear(.secret, "1", [secret("identity").resource, roots("roots").resource])
        return proxy
    }
}

// MARK: Secrets for tests

func secret(_ name: String, _ key: String = "key") throws -> Secret {
    let source = CertificateSource(
        certificateChain: .inline(Array("chain".utf8)), privateKey: .inline(Array(key.utf8)))
    return try Secret(name: name, .certificate(source))
}

func roots(_ name: String, _ text: String = "roots") throws -> Secret {
    let authorities = DataSource.inline(Array(text.utf8))
    return try Secret(name: name, .validation(PartialValidation(trustedAuthorities: authorities)))
}

func secured(cluster name: String, identity: String = "identity") throws -> Resource {
    let names = [SubjectNameMatcher(.uri, try StringMatcher(.exact("spiffe://mesh/\(name)")))]
    let security = try UpstreamSecurity(
        certificates: [.secret(try SecretReference(identity, from: .controlPlane))],
        validation: .secret(
            try SecretReference("roots", from: .controlPlane),
            beside: PartialValidation(names: names)))
    return try Cluster(name: name, discovery: .eds(serviceName: name), security: security).resource
}

func secured(listener name: String, routes: String, identity: String) throws -> Resource {
    let security = try DownstreamSecurity(
        certificates: [.secret(try SecretReference(identity, from: .controlPlane))])
    return try Listener(
        name: name, host: "127.0.0.1", port: UInt16(name.utf8.last ?? 1),
        routes: .discovered(routes)
    ).secured(by: [try FilterChain(security: security)]).resource
}
