import TLS
import Testing

/// Which credential meets which expectation, and what becomes of it.
struct Case: Sendable, CustomTestStringConvertible {
    let name: String
    let error: TLSError?
    let credential: @Sendable (_ root: Mint, _ other: Mint) -> Credential?
    var expected: @Sendable () -> [NameMatcher] = { [.exactly(.uri, "spiffe://mesh/a")] }

    var testDescription: String { name }

    static let all: [Case] = [
        Case(name: "all is well", error: nil) { root, _ in root.issue("URI:spiffe://mesh/a") },
        Case(name: "no certificate", error: .certificateMissing) { _, _ in nil },
        Case(name: "expired", error: .certificateExpired) { root, _ in
            root.issue("URI:spiffe://mesh/a", dates: Mint.yesterday)
        },
        Case(name: "not valid before tomorrow", error: .certificateNotYetValid) { root, _ in
            root.issue("URI:spiffe://mesh/a", dates: Mint.tomorrow)
        },
        Case(name: "another authority", error: .certificateUntrusted) { _, other in
            other.issue("URI:spiffe://mesh/a")
        },
        Case(name: "below an authority that is not shown", error: .certificateUntrusted) {
            root, _ in
            Mint("below", below: root).issue("URI:spiffe://mesh/a", sendsChain: false)
        },
        Case(name: "below an authority that is shown", error: nil) { root, _ in
            Mint("below", below: root).issue("URI:spiffe://mesh/a")
        },
        Case(name: "another workload", error: .identityUnexpected) { root, _ in
            root.issue("URI:spiffe://mesh/b")
        },
        Case(name: "the name is only the beginning", error: .identityUnexpected) { root, _ in
            root.issue("URI:spiffe://mesh/a/b")
        },
        Case(name: "the name in another kind", error: .identityUnexpected) { root, _ in
            root.issue("DNS:a,email:spiffe@mesh")
        },
        Case(name: "no names at all", error: .identityUnexpected) { root, _ in root.issue(nil) },
        Case(name: "two workloads in one", error: .identityUnexpected) { root, _ in
            root.issue("URI:spiffe://mesh/a,URI:spiffe://mesh/b")
        },
        Case(
            name: "a host by its pattern", error: nil,
            credential: { root, _ in root.issue("DNS:*.mesh.local") },
            expected: { [.host("Reviews.mesh.local")] }),
        Case(
            name: "a host two labels below the pattern", error: .identityUnexpected,
            credential: { root, _ in root.issue("DNS:*.mesh.local") },
            expected: { [.host("a.b.mesh.local")] }),
        Case(
            name: "an address", error: nil,
            credential: { root, _ in root.issue("IP:2001:db8::1,IP:10.0.0.1") },
            expected: { [.exactly(.ipAddress, "2001:db8::1")] }),
        Case(
            name: "the second of two conditions", error: nil,
            credential: { root, _ in root.issue("URI:spiffe://mesh/c") },
            expected: {
                [.exactly(.uri, "spiffe://mesh/a"), NameMatcher(.uri) { $0.hasSuffix("/c") }]
            }),
        Case(name: "a weak key", error: .certificateWeak) { root, _ in
            root.issue("URI:spiffe://mesh/a", bits: 1024)
        },
    ]
}

@Suite struct `A peer is refused by name` {
    static let versions: [ClosedRange<Version>] = [.tls12 ... .tls12, .tls13 ... .tls13]

    @Test(arguments: Case.all, versions)
    func `as a client`(item: Case, versions: ClosedRange<Version>) throws {
        let (root, other) = (Mint("root"), Mint("root"))
        var client = Settings()
        client.versions = versions
        client.trustedAuthorities = root.authorities
        // Its own library would not present a key that is too weak.
        if item.error == .certificateWeak { return }
        client.credentials = item.credential(root, other).map { [$0] } ?? []
        var server = Settings()
        server.credentials = [root.issue("DNS:server")]
        server.trustedAuthorities = root.authorities
        server.expectedNames = item.expected()
        try expect(item.error.map { .server($0) }, client, server)
    }

    @Test(arguments: Case.all, versions)
    func `as a server`(item: Case, versions: ClosedRange<Version>) throws {
        let (root, other) = (Mint("root"), Mint("root"))
        if item.error == .certificateWeak { return }
        guard let credential = item.credential(root, other) else { return }
        var client = Settings()
        client.versions = versions
        client.trustedAuthorities = root.authorities
        client.credentials = [root.issue("DNS:client")]
        client.expectedNames = item.expected()
        var server = Settings()
        server.credentials = [credential]
        server.trustedAuthorities = root.authorities
        try expect(item.error.map { .client($0) }, client, server)
    }

    private func expect(_ expected: PairError?, _ client: Settings, _ server: Settings) throws {
        let pair = try Pair(
            Context(client, role: .client),
            Context(server, role: .server(clientCertificate: .required)))
        do throws(PairError) {
            try pair.run()
            #expect(expected == nil)
        } catch {
            #expect(error == expected)
        }
    }

    @Test func `for what its certificate is not meant for`() throws {
        let root = Mint("root")
        func settings(_ usage: Mint.Usage) -> Settings {
            var settings = Settings()
            settings.credentials = [root.issue("DNS:a", usage: usage)]
            settings.trustedAuthorities = root.authorities
            return settings
        }
        try expect(nil, settings(.client), settings(.server))
        try expect(.client(.certificatePurpose), settings(.client), settings(.client))
        try expect(.server(.certificatePurpose), settings(.server), settings(.server))
    }

    @Test(arguments: [
        (Role.ClientCertificate.ignored, true), (.requested, true), (.required, false),
    ])
    func `for having no certificate, where one is required`(
        mode: Role.ClientCertificate, isGood: Bool
    ) throws {
        let root = Mint("root")
        var client = Settings()
        client.trustedAuthorities = root.authorities
        var server = client
        server.credentials = [root.issue("DNS:a")]
        let pair = try Pair(
            Context(client, role: .client), Context(server, role: .server(clientCertificate: mode)))
        do throws(PairError) {
            try pair.run()
            #expect(isGood)
            #expect(pair.serverSide.peer == nil)
        } catch {
            #expect(!isGood)
            #expect(error == .server(.certificateMissing))
        }
    }

    @Test(arguments: versions)
    func `and is told why`(versions: ClosedRange<Version>) throws {
        let root = Mint("root")
        var client = Settings()
        client.trustedAuthorities = root.authorities
        client.versions = versions
        client.credentials = [root.issue("DNS:a", dates: Mint.yesterday)]
        var server = client
        server.credentials = [root.issue("DNS:a")]
        let pair = try Pair(
            Context(client, role: .client),
            Context(server, role: .server(clientCertificate: .required)))
        #expect(throws: PairError.server(.certificateExpired)) { try pair.run() }
        let alert = pair.toClient
        // certificate_expired (RFC 8446 §6)
        #expect(throws: PairError.client(.alertReceived(45))) { try pair.deliverToClient(alert) }
    }

    @Test func `for a version, a cipher or a missing name`() throws {
        let root = Mint("root")
        var client = Settings()
        client.trustedAuthorities = root.authorities
        var server = client
        server.credentials = [root.issue("DNS:a")]
        func run(_ role: Role, serverName: String? = nil) throws {
            let pair = try Pair(
                Context(client, role: .client), Context(server, role: role), serverName: serverName)
            try pair.run()
        }
        let plain = Role.server(clientCertificate: .ignored)
        client.versions = .tls12 ... .tls12
        server.versions = .tls13 ... .tls13
        #expect(throws: PairError.server(.noCommonVersion)) { try run(plain) }
        server.versions = .tls12 ... .tls12
        client.ciphers = ["ECDHE-ECDSA-AES128-GCM-SHA256"]
        server.ciphers = ["ECDHE-ECDSA-AES256-GCM-SHA384"]
        #expect(throws: PairError.server(.noCommonCipher)) { try run(plain) }
        server.ciphers = client.ciphers
        try run(plain)
        let named = Role.server(clientCertificate: .ignored, requiresServerName: true)
        #expect(throws: PairError.server(.serverNameMissing)) { try run(named) }
        try run(named, serverName: "a")
    }
}
