import Mesh
import SwiftProtobuf
import Testing
import XDS

@Suite struct `TLS on the wire` {
    private let certificate = PresentedCertificate.given(
        CertificateSource(
            certificateChain: .file("/run/a.pem"), privateKey: .inline(Array("secret".utf8))))

    private func names() throws -> [SubjectNameMatcher] {
        [
            SubjectNameMatcher(.uri, try StringMatcher(.exact("spiffe://mesh/a"))),
            SubjectNameMatcher(.dns, try StringMatcher(.suffix(".mesh"), ignoresCase: true)),
            SubjectNameMatcher(.email, try StringMatcher(regex: "a.*")),
            SubjectNameMatcher(.ipAddress, try StringMatcher(.prefix("10."))),
        ]
    }

    @Test func `comes back from its resource on a listener`() throws {
        var decoder = ResourceDecoder(rejectsUnknownFields: true)
        let validation = ValidationSource.given(
            PeerValidation(trustedAuthorities: .inline(Array("pem".utf8)), names: try names()))
        let full = try DownstreamSecurity(
            certificates: [certificate, certificate], validation: validation,
            requiresClientCertificate: true, requiresServerName: true,
            applicationProtocols: ["h2", "http/1.1"],
            parameters: try SecurityParameters(
                lowestVersion: .tls13, highestVersion: .tls13, ciphers: ["A", "B"],
                groups: ["X25519"]),
            allowsResumption: false)
        let chains = [
            try FilterChain(
                match: FilterChain.Match(
                    serverNames: ["a.mesh", "*.b.mesh"], applicationProtocols: ["h2"],
                    transport: .tls), security: full, handshakeTimeout: .seconds(3)),
            try FilterChain(match: FilterChain.Match(transport: .plain)),
            try FilterChain(security: try DownstreamSecurity(certificates: [certificate])),
        ]
        let listener = try Listener(name: "a", host: "::", port: 1, routes: .discovered("r"))
            .secured(by: chains)
        #expect(try decoder.listener(listener.resource.body) == listener)
        #expect(try listener.resource.json().contains("secret"))
        let shown = try listener.redacted.resource.json()
        #expect(!shown.contains("secret"))
        #expect(shown.contains("[redacted]"))
    }

    @Test func `comes back from its resource on a cluster`() throws {
        var decoder = ResourceDecoder(rejectsUnknownFields: true)
        let validation = ValidationSource.given(
            PeerValidation(trustedAuthorities: .file("/ca"), names: try names()))
        let full = try UpstreamSecurity(
            certificates: [certificate], validation: validation, serverName: "a.mesh",
            applicationProtocols: ["http/1.1"],
            parameters: try SecurityParameters(highestVersion: .tls12), allowsResumption: false)
        for security in [full, try UpstreamSecurity(validation: validation)] {
            let cluster = try Cluster(
                name: "a", discovery: .eds(serviceName: "a"), security: security)
            #expect(try decoder.cluster(cluster.resource.body) == cluster)
            #expect(try !cluster.redacted.resource.json().contains("secret"))
        }
    }

    @Test func `comes back when it settles the protocol, which cannot be done without it`() throws {
        var decoder = ResourceDecoder(rejectsUnknownFields: true)
        let validation = ValidationSource.given(
            PeerValidation(trustedAuthorities: .file("/ca"), names: try names()))
        for options in [HTTP2Options.standard, try HTTP2Options(concurrentStreamCount: 7)] {
            let cluster = try Cluster(
                name: "a", discovery: .eds(serviceName: "a"), upstreamProtocol: .negotiated,
                http2Options: options, security: try UpstreamSecurity(validation: validation))
            #expect(try decoder.cluster(cluster.resource.body) == cluster)
        }
        #expect(throws: MeshError.self) {
            try Cluster(
                name: "a", discovery: .eds(serviceName: "a"), upstreamProtocol: .negotiated)
        }
    }

    static let upstream =
        "'@type': type.googleapis.com/"
        + "envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext"
    static let validation =
        "trusted_ca: {filename: /ca}, "
        + "match_typed_subject_alt_names: [{san_type: URI, matcher: {exact: a}}]"

    @Test(arguments: [
        ("", "common_tls_context.validation_context: is missing"),
        ("validation_context: {}", "common_tls_context.validation_context.trusted_ca: is missing"),
        (
            "validation_context: {trusted_ca: {filename: /ca}}",
            "common_tls_context.validation_context.match_typed_subject_alt_names: must not be empty"
        ),
        (
            "validation_context: {\(validation), crl: {filename: /crl}}",
            "common_tls_context.validation_context.crl: is not supported"
        ),
        (
            "validation_context: {\(validation), allow_expired_certificate: true}",
            "common_tls_context.validation_context.allow_expired_certificate: is not supported"
        ),
        (
            "validation_context: {trusted_ca: {environment_variable: CA}}",
            "common_tls_context.validation_context.trusted_ca.environment_variable"
        ),
        (
            "validation_context: {\(validation)}, tls_certificates: [{}]",
            "common_tls_context.tls_certificates[0].certificate_chain: is missing"
        ),
        (
            "validation_context: {\(validation)}, key_log: {}",
            "common_tls_context.key_log: is not supported"
        ),
        (
            "validation_context: {\(validation)}, "
                + "tls_params: {tls_maximum_protocol_version: TLSv1_1}",
            "common_tls_context.tls_params.tls_maximum_protocol_version"
        ),
        (
            "validation_context: {trusted_ca: {filename: /ca}, "
                + "match_typed_subject_alt_names: [{matcher: {exact: a}}]}",
            "common_tls_context.validation_context.match_typed_subject_alt_names[0].san_type"
        ),
    ])
    func `is refused where it would guard less than it says`(
        context: String, reason: String
    ) throws {
        let bytes = try body(
            Proto.Cluster.self,
            """
            name: a
            load_assignment: {}
            transport_socket:
              name: tls
              typed_config: {\(Self.upstream), common_tls_context: {\(context)}}
            """)
        var decoder = ResourceDecoder()
        do throws(ResourceError) {
            _ = try decoder.cluster(bytes)
            Issue.record("was accepted")
        } catch {
            let text = "\(error.path): \(error.reason)"
            #expect(text.hasPrefix("transport_socket.typed_config." + reason))
        }
    }
}
