import EventLoop
import HTTP
import Kernel
import TLS
import Testing
import Transport

extension TLS.Context {
    /// What a server presents, and whom it lets in.
    static func server(
        _ credential: Credential = Certificates.server,
        clients: Role.ClientCertificate = .requested, protocols: [String] = ["h2"]
    ) throws -> TLS.Context {
        var settings = Settings()
        settings.credentials = [credential]
        settings.trustedAuthorities = Certificates.root
        settings.applicationProtocols = protocols
        return try TLS.Context(settings, role: .server(clientCertificate: clients))
    }
}

extension GRPCSecurity {
    /// What a client presents, and whom it expects.
    static func client(
        _ credential: Credential? = nil, expecting name: String = "spiffe://mesh/control",
        versions: ClosedRange<TLS.Version> = .tls12 ... .tls13
    ) throws -> GRPCSecurity {
        var settings = Settings()
        settings.credentials = credential.map { [$0] } ?? []
        settings.trustedAuthorities = Certificates.root
        settings.expectedNames = [.exactly(.uri, name)]
        settings.versions = versions
        return GRPCSecurity(
            context: try TLS.Context(settings, role: .client), serverName: "control.mesh")
    }
}

@Suite struct `A gRPC call over TLS` {
    @Test(arguments: [TLS.Version.tls12, .tls13])
    func `carries messages both ways and says who calls`(version: TLS.Version) throws {
        let bench = try GRPCBench(security: .server(clients: .required))
        let messages = [0, 1, 70_000, 3_000_000].map {
            (0..<$0).map { UInt8(truncatingIfNeeded: $0) }
        }
        let recorded = RecordingCall()
        let call = bench.call(
            "/test.Test/Echo", metadata: [("authorization", "Bearer abc")],
            security: try .client(Certificates.client, versions: version...version),
            delegate: recorded)
        for message in messages { #expect(call.send(message: message)) }
        try bench.turn { recorded.messages.count == messages.count }
        #expect(recorded.messages == messages)
        call.finish()
        try bench.turn { !recorded.statuses.isEmpty && !bench.scripted.statuses.isEmpty }
        #expect(recorded.statuses == [GRPCStatus(.ok)])
        let accepted = bench.scripted.calls[0]
        #expect(accepted.peerIdentity?.spiffeID == "spiffe://mesh/a")
        #expect(accepted.authorization == "Bearer abc")
        #expect(bench.scripted.refusals.isEmpty)
        try bench.turn { bench.server.connectionCount == 0 }
    }

    @Test func `has no identity without a certificate`() throws {
        let bench = try GRPCBench(security: .server())
        let recorded = RecordingCall()
        bench.call("/test.Test/Echo", security: try .client(), delegate: recorded)
            .send(message: [1])
        try bench.turn { recorded.messages.count == 1 }
        #expect(bench.scripted.calls[0].peerIdentity == nil)
        #expect(bench.scripted.calls[0].authorization == nil)
    }

    @Test(arguments: [TLS.Version.tls12, .tls13])
    func `is not begun by a client that the server refuses`(version: TLS.Version) throws {
        for (credential, error) in [
            (nil, TLSError.certificateMissing), (Certificates.stranger, .certificateUntrusted),
            (Certificates.expired, .certificateExpired),
        ] {
            let bench = try GRPCBench(security: .server(clients: .required))
            let recorded = RecordingCall()
            let security = try GRPCSecurity.client(credential, versions: version...version)
            let call = bench.call("/test.Test/Echo", security: security, delegate: recorded)
            call.send(message: [UInt8](repeating: 1, count: 1_000_000))
            try bench.turn { !recorded.statuses.isEmpty && !bench.scripted.refusals.isEmpty }
            #expect(recorded.statuses.map(\.code) == [.unavailable])
            #expect(recorded.statuses[0].message.hasPrefix("TLS: alert_received"))
            #expect(bench.scripted.refusals.map(\.error) == [error])
            #expect(
                bench.scripted.refusals[0].names == (credential == nil ? [] : ["spiffe://mesh/a"]))
            #expect(bench.scripted.calls.isEmpty)
            try bench.turn { bench.server.connectionCount == 0 }
        }
    }

    @Test func `is not begun with a server that is not the expected one`() throws {
        let bench = try GRPCBench(security: .server(Certificates.renewed))
        let recorded = RecordingCall()
        let call = bench.call("/test.Test/Echo", security: try .client(), delegate: recorded)
        call.send(message: [1])
        try bench.turn { !recorded.statuses.isEmpty && !bench.scripted.refusals.isEmpty }
        #expect(
            recorded.statuses == [
                GRPCStatus(
                    .unavailable,
                    "TLS: identity_unexpected, the peer is spiffe://mesh/renewed")
            ])
        #expect(bench.scripted.calls.isEmpty)
        #expect(bench.scripted.refusals.map(\.error.reason) == [.alertReceived])
    }

    @Test func `is not begun where no HTTP/2 is agreed upon`() throws {
        let bench = try GRPCBench(security: .server(protocols: ["http/1.1"]))
        let recorded = RecordingCall()
        let call = bench.call("/test.Test/Echo", security: try .client(), delegate: recorded)
        call.send(message: [1])
        try bench.turn { !recorded.statuses.isEmpty }
        #expect(
            recorded.statuses == [GRPCStatus(.unavailable, "TLS: the peer does not offer h2")])
        try bench.turn { bench.server.connectionCount == 0 }
        #expect(bench.scripted.calls.isEmpty)
    }

    @Test func `meets a new certificate with its next connection, and keeps the one it has`()
        throws
    {
        let bench = try GRPCBench(security: .server())
        let before = RecordingCall()
        let lasting = bench.call("/test.Test/Echo", security: try .client(), delegate: before)
        lasting.send(message: [1])
        try bench.turn { before.messages.count == 1 }
        bench.server.setSecurity(try .server(Certificates.renewed))
        let after = RecordingCall()
        let security = try GRPCSecurity.client(expecting: "spiffe://mesh/renewed")
        bench.call("/test.Test/Echo", security: security, delegate: after).send(message: [2])
        try bench.turn { after.messages.count == 1 }
        lasting.send(message: [3])
        try bench.turn { before.messages.count == 2 }
        #expect(bench.scripted.refusals.isEmpty)
    }

    @Test func `can be given up while the peers shake hands`() throws {
        let bench = try GRPCBench(security: .server())
        for turns in 0..<6 {
            let recorded = RecordingCall()
            let call = bench.call("/test.Test/Silent", security: try .client(), delegate: recorded)
            for _ in 0..<turns { try bench.loop.turn(longestWait: .zero) }
            call.cancel()
            try bench.turn { !recorded.statuses.isEmpty }
            #expect(recorded.statuses.map(\.code) == [.cancelled])
        }
        try bench.turn { bench.server.connectionCount == 0 }
    }
}

@Suite struct `A gRPC server over TLS` {
    @Test func `gives a client that does not shake hands its time, and no more`() throws {
        var limits = GRPCLimits()
        limits.connectTimeout = .milliseconds(50)
        let bench = try GRPCBench(limits: limits, security: .server())
        let mute = try Socket.connecting(to: bench.server.address)
        try bench.turn { bench.scripted.refusals.count == 1 }
        #expect(bench.scripted.refusals.map(\.error) == [.timedOut])
        try bench.turn { bench.server.connectionCount == 0 }
        #expect(mute.takeError() == nil)
    }

    @Test func `refuses a client in the clear`() throws {
        let bench = try GRPCBench(security: .server())
        let recorded = RecordingCall()
        bench.call("/test.Test/Echo", delegate: recorded).send(message: [1])
        try bench.turn { !recorded.statuses.isEmpty && !bench.scripted.refusals.isEmpty }
        #expect(recorded.statuses.map(\.code) == [.unavailable])
        #expect(bench.scripted.refusals.map(\.error) == [.notTLS])
    }

    @Test func `says nothing of a client that only looks whether somebody is there`() throws {
        let bench = try GRPCBench(security: .server())
        do {
            let socket = try Socket.connecting(to: bench.server.address)
            try bench.turn { bench.server.connectionCount == 1 }
            #expect(socket.takeError() == nil)
        }
        try bench.turn { bench.server.connectionCount == 0 }
        #expect(bench.scripted.refusals.isEmpty)
    }
}
