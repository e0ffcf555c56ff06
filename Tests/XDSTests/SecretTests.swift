import Mesh
import Testing
import XDS

@Suite struct `A secret` {
    @Test func `comes back from its resource, and is shown without its key`() throws {
        var decoder = ResourceDecoder(rejectsUnknownFields: true)
        let certificate = CertificateSource(
            certificateChain: .file("/run/a.pem"), privateKey: .inline(Array("private".utf8)))
        let names = [SubjectNameMatcher(.uri, try StringMatcher(.exact("spiffe://mesh/a")))]
        for content: Secret.Content in [
            .certificate(certificate),
            .validation(
                PartialValidation(trustedAuthorities: .inline(Array("pem".utf8)), names: names)),
            .validation(PartialValidation(names: names)), .validation(PartialValidation()),
        ] {
            let secret = try Secret(name: "a", content)
            #expect(try decoder.secret(secret.resource.body) == secret)
            #expect(try !secret.redacted.resource.json().contains("private\""))
        }
    }

    @Test(arguments: [
        ("", "has neither"),
        ("session_ticket_keys: {}", "session_ticket_keys: is not supported"),
        ("generic_secret: {}", "generic_secret: is not supported"),
        ("tls_certificate: {}", "tls_certificate.certificate_chain: is missing"),
        (
            "tls_certificate: {certificate_chain: {filename: /a}}",
            "tls_certificate.private_key: is missing"
        ),
        (
            "tls_certificate: {certificate_chain: {filename: ''}}",
            "tls_certificate.certificate_chain.filename: must not be empty"
        ),
        (
            "tls_certificate: {certificate_chain: {filename: /a}, private_key: {filename: /b}, "
                + "password: {inline_string: a}}",
            "tls_certificate.password: is not supported"
        ),
        (
            "validation_context: {trusted_ca: {filename: /ca}, crl: {filename: /crl}}",
            "validation_context.crl: is not supported"
        ),
        (
            "validation_context: {match_typed_subject_alt_names: [{matcher: {exact: a}}]}",
            "validation_context.match_typed_subject_alt_names[0].san_type: is missing"
        ),
    ])
    func `is refused with the path of what is wrong`(yaml: String, reason: String) throws {
        let bytes = try body(Proto.Secret.self, "{name: a, \(yaml)}")
        var decoder = ResourceDecoder()
        do throws(ResourceError) {
            _ = try decoder.secret(bytes)
            Issue.record("was accepted")
        } catch {
            let text = error.path.isEmpty ? error.reason : "\(error.path): \(error.reason)"
            #expect(text.hasPrefix(reason))
            #expect(error.name == "a")
        }
    }

    @Test func `has a name`() throws {
        let bytes = try body(Proto.Secret.self, "validation_context: {}")
        var decoder = ResourceDecoder()
        #expect(throws: ResourceError(.secret, "", path: "name", "must not be empty")) {
            try decoder.secret(bytes)
        }
    }
}

@Suite struct `A reference to a secret` {
    @Test(arguments: [.controlPlane, .bootstrap, .file("/run/a.yaml")] as [SecretReference.Origin])
    func `comes back from its resource`(origin: SecretReference.Origin) throws {
        var decoder = ResourceDecoder(rejectsUnknownFields: true)
        let reference = try SecretReference("a", from: origin)
        let names = [SubjectNameMatcher(.uri, try StringMatcher(.exact("spiffe://mesh/a")))]
        for part in [
            PartialValidation(), PartialValidation(names: names),
            PartialValidation(trustedAuthorities: .file("/ca"), names: names),
        ] {
            let cluster = try Cluster(
                name: "a", discovery: .eds(serviceName: "a"),
                security: try UpstreamSecurity(
                    certificates: [.secret(reference)], validation: .secret(reference, beside: part)
                ))
            #expect(try decoder.cluster(cluster.resource.body) == cluster)
            let listener = try Listener(
                name: "a", host: "::", port: 1, routes: .discovered("r")
            ).secured(by: [
                try FilterChain(
                    security: try DownstreamSecurity(
                        certificates: [.secret(reference), .secret(reference)],
                        validation: .secret(reference, beside: part),
                        requiresClientCertificate: true))
            ])
            #expect(try decoder.listener(listener.resource.body) == listener)
        }
    }

    private static let ads = "{name: a, sds_config: {ads: {}, resource_api_version: V3}}"
    private static let identity = "tls_certificate_sds_secret_configs"
    private static let roots = "validation_context_sds_secret_config"

    @Test(arguments: [
        ("\(roots): {}", "\(roots).name: must not be empty"),
        (
            "\(roots): {name: a, sds_config: {}}",
            "\(roots).sds_config: says nothing of where the secret is"
        ),
        (
            "\(roots): {name: a, sds_config: {api_config_source: {api_type: GRPC}}}",
            "\(roots).sds_config.api_config_source: is not supported"
        ),
        (
            "\(roots): {name: a, sds_config: {ads: {}, resource_api_version: V2}}",
            "\(roots).sds_config.resource_api_version: must be V3"
        ),
        (
            "\(roots): {name: a, sds_config: {path_config_source: {path: ''}}}",
            "\(roots).sds_config.path_config_source.path: must not be empty"
        ),
        (
            "\(roots): \(ads), \(identity): [{name: ''}]",
            "\(identity)[0].name: must not be empty"
        ),
        (
            "\(roots): \(ads), \(identity): [\(ads), \(ads)]",
            "\(identity): must not have several elements towards endpoints"
        ),
        (
            "\(roots): \(ads), \(identity): [\(ads)], tls_certificates: "
                + "[{certificate_chain: {filename: /a}, private_key: {filename: /a}}]",
            "\(identity): must not stand beside tls_certificates"
        ),
        (
            "combined_validation_context: {\(roots): \(ads)}",
            "combined_validation_context.default_validation_context: is missing"
        ),
        (
            "combined_validation_context: {default_validation_context: {}}",
            "combined_validation_context.\(roots): is missing"
        ),
        (
            "combined_validation_context: {default_validation_context: {crl: {filename: /a}}, "
                + "\(roots): \(ads)}",
            "combined_validation_context.default_validation_context.crl: is not supported"
        ),
        (
            "combined_validation_context: {default_validation_context: {}, \(roots): {}}",
            "combined_validation_context.\(roots).name: must not be empty"
        ),
        (
            "combined_validation_context: {default_validation_context: {}, \(roots): \(ads), "
                + "validation_context_certificate_provider_instance: {}}",
            "combined_validation_context.validation_context_certificate_provider_instance"
        ),
    ])
    func `is refused with the path of what is wrong`(context: String, reason: String) throws {
        let bytes = try body(
            Proto.Cluster.self,
            """
            name: a
            load_assignment: {}
            transport_socket:
              name: tls
              typed_config: {\(upstreamType), common_tls_context: {\(context)}}
            """)
        var decoder = ResourceDecoder()
        do throws(ResourceError) {
            _ = try decoder.cluster(bytes)
            Issue.record("was accepted")
        } catch {
            let text = "\(error.path): \(error.reason)"
            #expect(text.hasPrefix("transport_socket.typed_config.common_tls_context." + reason))
        }
    }

    @Test func `may be older than path_config_source`() throws {
        let security = try security("\(Self.roots): {name: a, sds_config: {path: /a.yaml}}")
        #expect(
            security?.secretReferences == [try SecretReference("a", from: .file("/a.yaml"))])
    }

    @Test func `is part of what it stands beside`() throws {
        let security = try security(
            "combined_validation_context: {default_validation_context: "
                + "{match_typed_subject_alt_names: [{san_type: URI, matcher: {exact: a}}]}, "
                + "\(Self.roots): \(Self.ads)}")
        let known = [SubjectNameMatcher(.uri, try StringMatcher(.exact("a")))]
        let reference = try SecretReference("a", from: .controlPlane)
        let part = PartialValidation(names: known)
        #expect(security?.validation == .secret(reference, beside: part))
        let more = [SubjectNameMatcher(.dns, try StringMatcher(.exact("b")))]
        let secret = PartialValidation(trustedAuthorities: .file("/ca"), names: more)
        #expect(
            part.merged(with: secret)
                == PeerValidation(trustedAuthorities: .file("/ca"), names: known + more))
        #expect(secret.merged(with: part)?.trustedAuthorities == .file("/ca"))
        #expect(part.merged(with: part) == nil)
    }

    private func security(_ context: String) throws -> UpstreamSecurity? {
        let bytes = try body(
            Proto.Cluster.self,
            """
            name: a
            load_assignment: {}
            transport_socket:
              name: tls
              typed_config: {\(upstreamType), common_tls_context: {\(context)}}
            """)
        var decoder = ResourceDecoder(rejectsUnknownFields: true)
        return try decoder.cluster(bytes).security
    }
}

@Suite struct `A file with a secret` {
    private static let type =
        "'@type': type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret"

    @Test(arguments: [
        """
        version_info: "7"
        resources:
        - \(type)
          name: a
          tls_certificate:
            certificate_chain: {filename: /a.pem}
            private_key: {filename: /a.key}
        """,
        """
        {"resources": [{\(type.replacing("'", with: "\"")), "name": "a", "tlsCertificate":
          {"certificateChain": {"filename": "/a.pem"}, "privateKey": {"filename": "/a.key"}}}]}
        """,
    ])
    func `is YAML or JSON`(text: String) throws {
        let source = CertificateSource(
            certificateChain: .file("/a.pem"), privateKey: .file("/a.key"))
        let secret = try Secret(named: "a", parsing: Array(text.utf8))
        #expect(secret == (try Secret(name: "a", .certificate(source))))
    }

    @Test(arguments: [
        ("", "\"null\" is not a valid value"),
        ("resources: []", "resources: must be one secret, and are 0"),
        (
            "resources: [{\(type), name: a}, {\(type), name: b}]",
            "resources: must be one secret, and are 2"
        ),
        (
            "resources: [{'@type': type.googleapis.com/envoy.config.cluster.v3.Cluster, name: a}]",
            "resources[0]"
        ),
        ("resources: [{\(type), name: a}]", "resources[0]: has neither"),
        (
            "resources: [{\(type), name: b, validation_context: {}}]",
            "resources[0].name: is \"b\", and \"a\" is wanted (line 1)"
        ),
        (
            "resources: [{\(type), name: a, validation_context: {a: 1}}]",
            "resources[0].validation_context.a: is not known"
        ),
        ("resource: []", "resource: is not known"),
        ("[", ""),
    ])
    func `is refused with the path of what is wrong`(text: String, reason: String) throws {
        do throws(BootstrapError) {
            _ = try Secret(named: "a", parsing: Array(text.utf8))
            Issue.record("was accepted")
        } catch {
            #expect(error.description.hasPrefix(reason))
        }
    }
}

private let upstreamType =
    "'@type': type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext"
