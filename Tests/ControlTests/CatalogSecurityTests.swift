import Mesh
import Testing
import XDS

@testable import Control

@Suite struct `What sidecars are told of each other's identity` {
    private func snapshot(
        of service: String, named name: String = "reviews", isSecure: Bool,
        trustDomain: TrustDomain = .standard
    ) throws -> Snapshot {
        let document = try decodeDocument(ServiceDocument.self, from: Array(service.utf8))
        let world = World().applying([name: try document.service(named: name)])
        let catalog = try Catalog(world, in: trustDomain, after: nil)
        try catalog.check()
        let node = NodeIdentity(
            id: "x", cluster: name,
            metadata: [
                "inbound_address": .string("127.0.0.1:1"),
                "application_address": .string("127.0.0.1:2"),
            ])
        return try decoded(catalog.offer(for: SidecarProfile(node, isSecure: isSecure)))
    }

    private func service(_ fields: String) -> String {
        #"{\#(fields), "versions": {"v1": {"endpoints": []}}}"#
    }

    @Test(arguments: ["off", "permissive", "strict"])
    func `is nothing where one of them has none`(mode: String) throws {
        let text = service(#""tls": "\#(mode)""#)
        let plain = try snapshot(of: text, isSecure: false)
        #expect(plain.clusters.values.allSatisfy { $0.security == nil })
        #expect(plain.listeners["outbound"]?.chains == .plain)
        // What only TLS may reach has no way in past it.
        #expect(plain.listeners["inbound"]?.chains == (mode == "strict" ? nil : .plain))
        #expect((plain.clusters["inbound"] == nil) == (mode == "strict"))
    }

    @Test func `is nothing yet where callers are not told of it`() throws {
        let off = try snapshot(of: service(#""tls": "off""#), isSecure: true)
        #expect(off.clusters.values.allSatisfy { $0.security == nil })
        // Its sidecars are ready before the first caller.
        let permissive = try snapshot(of: service(#""tls": "permissive""#), isSecure: true)
        #expect(off.listeners == permissive.listeners)
        let tunnel = #""protocol": "tcp", "listen": "127.0.0.1:9""#
        let listener = try snapshot(of: service(tunnel), isSecure: true).listeners["inbound"]
        #expect(listener?.chains == .plain && listener?.certificateForwarding == .sanitize)
    }

    @Test(arguments: [
        (#""tls": "strict""#, "spiffe://cluster.local/ns/default/sa/reviews", ["http/1.1"]),
        (
            #""tls": "permissive", "identity": "prod/backend", "protocol": "grpc""#,
            "spiffe://cluster.local/ns/prod/sa/backend", ["h2"]
        ),
        (
            #""tls": "strict", "protocol": "tcp", "listen": "127.0.0.1:9""#,
            "spiffe://cluster.local/ns/default/sa/reviews", []
        ),
    ])
    func `is whom a service's endpoints have to be`(
        fields: String, spiffeID: String, protocols: [String]
    ) throws {
        let snapshot = try snapshot(of: service(fields), isSecure: true)
        let security = try #require(snapshot.clusters["reviews/v1"]?.security)
        let identity = try SecretReference("identity", from: .controlPlane)
        let roots = try SecretReference("roots", from: .controlPlane)
        let name = SubjectNameMatcher(.uri, try StringMatcher(.exact(spiffeID)))
        #expect(security.certificates == [.secret(identity)])
        #expect(security.validation == .secret(roots, beside: PartialValidation(names: [name])))
        #expect(security.applicationProtocols == protocols)
        // The way from a sidecar to the program beside it needs none of that.
        #expect(snapshot.clusters["inbound"]?.security == nil)
    }

    @Test(arguments: ["http", "http2", "grpc", "tcp"])
    func `is that callers have to show one`(application: String) throws {
        let listen = application == "tcp" ? #", "listen": "127.0.0.1:9""# : ""
        for mode in ["permissive", "strict"] {
            let text = service(#""tls": "\#(mode)", "protocol": "\#(application)"\#(listen)"#)
            let snapshot = try snapshot(
                of: text, isSecure: true, trustDomain: TrustDomain("example.org"))
            let listener = try #require(snapshot.listeners["inbound"])
            let isTCP = application == "tcp"
            #expect(
                listener.chains.map(\.match.transport)
                    == (mode == "strict" ? [nil] : [.tls, .plain]))
            #expect(
                listener.chains.map { $0.security == nil }
                    == (mode == "strict" ? [false] : [false, true]))
            let security = try #require(listener.chains[0].security)
            #expect(security.requiresClientCertificate)
            #expect(security.applicationProtocols == (isTCP ? [] : ["h2", "http/1.1"]))
            let name = try StringMatcher(.prefix("spiffe://example.org/"))
            #expect(
                security.validation
                    == .secret(
                        try SecretReference("roots", from: .controlPlane),
                        beside: PartialValidation(names: [SubjectNameMatcher(.uri, name)])))
            if !isTCP {
                #expect(
                    listener.certificateForwarding == CertificateForwarding(.sanitizeSet, [.uris]))
            }
        }
    }

    @Test func `is asked about by rules in the mesh's own domain`() throws {
        let text = service(
            #"""
            "tls": "strict", "access": {"default": "deny", "rules": [{"allow": {"from": ["a/*"]}}]}
            """#)
        let snapshot = try snapshot(
            of: text, isSecure: true, trustDomain: TrustDomain("example.org"))
        let policy = snapshot.listeners["inbound"]?.accessFilters.first?.rules?.policies.first
        let prefix = try StringMatcher(.prefix("spiffe://example.org/ns/a/sa/"))
        #expect(policy?.principals == [.authenticated(prefix)])
    }

    @Test func `differs between clients of one catalog, and only where it must`() throws {
        let texts = ["a": service(#""tls": "strict""#), "b": service(#""protocol": "http""#)]
        let catalog = try catalog(texts)
        let node = NodeIdentity(id: "x", cluster: "client")
        let plain = try catalog.offer(for: SidecarProfile(node))
        let secure = try catalog.offer(for: SidecarProfile(node, isSecure: true))
        #expect(plain.clusters.resources["a/v1"] != secure.clusters.resources["a/v1"])
        #expect(plain.clusters.resources["b/v1"] == secure.clusters.resources["b/v1"])
        #expect(plain.endpointAssignments == secure.endpointAssignments)
        #expect(plain.routeConfigurations == secure.routeConfigurations)
        #expect(plain.listeners == secure.listeners)
        // A gRPC client without a sidecar takes no secrets.
        let direct = catalog.offer(forTargets: ["a"])
        #expect(direct.clusters.resources["a/v1"] == plain.clusters.resources["a/v1"])
    }
}
