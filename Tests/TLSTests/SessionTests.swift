import TLS
import Testing

@Suite struct `A session` {
    let root = Mint("root")

    private func settings(
        _ name: String, _ change: (inout Settings) -> Void = { _ in }
    ) -> Settings {
        var settings = Settings()
        settings.credentials = [root.issue("URI:spiffe://mesh/\(name),DNS:\(name)")]
        settings.trustedAuthorities = root.authorities
        change(&settings)
        return settings
    }

    private func contexts(
        _ versions: ClosedRange<Version> = .tls12 ... .tls13
    ) throws -> (client: Context, server: Context) {
        let client = settings("client") {
            $0.versions = versions
            $0.expectedNames = [.exactly(.uri, "spiffe://mesh/server")]
            $0.applicationProtocols = ["h2", "http/1.1"]
        }
        let server = settings("server") {
            $0.expectedNames = [.exactly(.uri, "spiffe://mesh/client")]
            $0.applicationProtocols = ["http/1.1"]
        }
        return (
            try Context(client, role: .client),
            try Context(server, role: .server(clientCertificate: .required))
        )
    }

    static let versions: [ClosedRange<Version>] = [.tls12 ... .tls12, .tls13 ... .tls13]

    @Test(arguments: versions, [nil, 1, 7, 4096])
    func `is the same whatever pieces its bytes come in`(
        versions: ClosedRange<Version>, segment: Int?
    ) throws {
        let (client, server) = try contexts(versions)
        let pair = try Pair(client, server, serverName: "server.mesh", segment: segment)
        try pair.run()
        #expect(pair.clientSide.isReady && pair.serverSide.isReady)
        #expect(pair.serverSide.version == versions.upperBound)
        #expect(pair.clientSide.applicationProtocol == "http/1.1")
        #expect(pair.serverSide.applicationProtocol == "http/1.1")
        #expect(pair.serverSide.serverName == "server.mesh")
        #expect(pair.serverSide.peer?.spiffeID == "spiffe://mesh/client")
        #expect(pair.clientSide.peer?.spiffeID == "spiffe://mesh/server")
        #expect(pair.clientSide.peer?.dnsNames == ["server"])
        #expect(pair.clientSide.peer?.subject == "CN=leaf")
        #expect(pair.clientSide.peer?.fingerprint.count == 32)
        #expect(!pair.clientSide.cipher.isEmpty)

        let question = Array("how much?".utf8)
        try pair.sendFromClient(question)
        try pair.run()
        #expect(pair.serverReceived == question)
    }

    @Test(arguments: versions)
    func `knows what each side has presented`(versions: ClosedRange<Version>) throws {
        let middle = Mint("middle", below: root)
        let chained = middle.issue("URI:spiffe://mesh/client")
        let client = settings("client") {
            $0.versions = versions
            $0.credentials = [chained]
            $0.expectedNames = [.exactly(.uri, "spiffe://mesh/server")]
        }
        let server = settings("server")
        let contexts = (
            try Context(client, role: .client),
            try Context(server, role: .server(clientCertificate: .requested))
        )
        let pair = try Pair(contexts.0, contexts.1)
        try pair.run()
        #expect(pair.serverSide.own?.spiffeID == "spiffe://mesh/server")
        #expect(pair.clientSide.own?.spiffeID == "spiffe://mesh/client")
        #expect(pair.serverSide.peerChain.flatMap(\.self) == chained.certificateChain)
        #expect(pair.serverSide.peerChain.count == 2)
        #expect(pair.clientSide.peerChain == [server.credentials[0].certificateChain])

        let unnamed = settings("client") { $0.credentials = [] }
        let nobody = try Pair(try Context(unnamed, role: .client), contexts.1)
        try nobody.run()
        #expect(nobody.serverSide.peerChain.isEmpty && nobody.clientSide.own == nil)
    }

    @Test(arguments: versions, [64 * 1024, 5000])
    func `carries a mebibyte each way`(versions: ClosedRange<Version>, roomCount: Int) throws {
        let (client, server) = try contexts(versions)
        let pair = try Pair(client, server, segment: 48 * 1024)
        pair.roomCount = roomCount
        try pair.run()
        let body = (0..<1 << 20).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) }
        try pair.sendFromClient(body)
        try pair.sendFromServer(body.reversed())
        try pair.run()
        #expect(pair.serverReceived == body)
        #expect(pair.clientReceived == body.reversed())
    }

    @Test(arguments: versions)
    func `ends with a word, and goes on the other way`(versions: ClosedRange<Version>) throws {
        let (client, server) = try contexts(versions)
        let pair = try Pair(client, server)
        try pair.run()
        try pair.sendFromClient([1, 2, 3])
        pair.endFromClient()
        try pair.run()
        #expect(pair.serverReceived == [1, 2, 3])
        #expect(pair.serverEnded)
        try pair.sendFromServer([4, 5])
        try pair.run()
        #expect(pair.clientReceived == [4, 5])
    }

    @Test func `is not ended by a record that was cut short`() throws {
        let (client, server) = try contexts()
        let pair = try Pair(client, server)
        try pair.run()
        try pair.sendFromClient([1, 2, 3])
        pair.toServer.removeLast()
        try pair.run()
        #expect(pair.serverReceived.isEmpty)
        #expect(!pair.serverEnded)
    }

    @Test func `refuses a record that was changed on its way`() throws {
        let (client, server) = try contexts()
        let pair = try Pair(client, server)
        try pair.run()
        try pair.sendFromClient([1, 2, 3])
        pair.toServer[pair.toServer.count - 1] ^= 1
        var error: PairError?
        do { try pair.run() } catch let caught { error = caught }
        guard case .server(.protocolViolation) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(pair.serverReceived.isEmpty)
    }

    @Test func `does not take plain text for a handshake`() throws {
        let (client, server) = try contexts()
        let pair = try Pair(client, server)
        #expect(throws: PairError.server(.notTLS)) {
            try pair.deliverToServer(Array("GET / HTTP/1.1\r\nHost: a\r\n\r\n".utf8))
        }
        let other = try Pair(client, server)
        #expect(throws: PairError.client(.notTLS)) {
            try other.deliverToClient(Array("SSH-2.0-server\r\n".utf8))
        }
    }

    @Test(arguments: versions)
    func `is taken up again without a full handshake`(versions: ClosedRange<Version>) throws {
        let (client, server) = try contexts(versions)
        for isResumed in [false, true, true] {
            let pair = try Pair(client, server)
            try pair.run()
            #expect(pair.clientSide.isResumed == isResumed)
            #expect(pair.serverSide.isResumed == isResumed)
            // Who the peer is does not get lost.
            #expect(pair.serverSide.peer?.spiffeID == "spiffe://mesh/client")
            #expect(pair.clientSide.peer?.spiffeID == "spiffe://mesh/server")
        }
    }

    @Test(arguments: versions)
    func `expects its own names, and has its own tickets, where contexts share the rest`(
        versions: ClosedRange<Version>
    ) throws {
        var (client, server): (Context?, Context) = try contexts(versions)
        func like(_ name: String) throws -> Context {
            Context(like: try #require(client), expecting: [.exactly(.uri, name)])
        }
        let same = try like("spiffe://mesh/server")
        let other = try like("spiffe://mesh/other")
        try Pair(try #require(client), server).run()
        client = nil
        for isResumed in [false, true] {
            let pair = try Pair(same, server)
            try pair.run()
            #expect(pair.clientSide.isResumed == isResumed)
        }
        for _ in 0..<2 {
            let pair = try Pair(other, server)
            #expect(throws: PairError.client(.identityUnexpected)) { try pair.run() }
        }
    }

    @Test(arguments: versions)
    func `is not taken up again by a context with other terms`(
        versions: ClosedRange<Version>
    ) throws {
        let (client, server) = try contexts(versions)
        let first = try Pair(client, server)
        try first.run()
        let (_, otherServer) = try contexts(versions)
        let second = try Pair(client, otherServer)
        try second.run()
        #expect(!second.clientSide.isResumed)
        #expect(!second.serverSide.isResumed)
    }

    @Test(arguments: versions)
    func `is not taken up again where that is not wanted`(versions: ClosedRange<Version>) throws {
        let client = try Context(
            settings("client") { $0.versions = versions }, role: .client)
        let server = try Context(
            settings("server") { $0.allowsResumption = false },
            role: .server(clientCertificate: .required))
        for _ in 0..<2 {
            let pair = try Pair(client, server)
            try pair.run()
            #expect(!pair.serverSide.isResumed)
        }
    }

    @Test func `speaks the protocol that the server likes best`() throws {
        let client = try Context(
            settings("client") { $0.applicationProtocols = ["http/1.1", "h2"] }, role: .client)
        for (known, spoken) in [(["h2", "http/1.1"], "h2"), (["spdy/3"], nil), ([], nil)] {
            let server = try Context(
                settings("server") { $0.applicationProtocols = known },
                role: .server(clientCertificate: .ignored))
            let pair = try Pair(client, server)
            try pair.run()
            #expect(pair.clientSide.applicationProtocol == spoken)
            #expect(pair.serverSide.applicationProtocol == spoken)
        }
    }
}
