import Mesh
import SwiftProtobuf

/// TLS: what is presented, and whom is trusted.
extension ResourceDecoder {
    /// - Returns: `nil` where bytes go as they are.
    /// - Throws: `MeshError` for any other transport socket, and for what is not supported of TLS.
    mutating func downstreamSecurity(
        _ socket: Proto.TransportSocket
    ) throws(MeshError) -> DownstreamSecurity? {
        guard let any = try secured(socket) else { return nil }
        return try MeshError.at("typed_config") { () throws(MeshError) in
            guard let message = try unpack(any, as: Proto.DownstreamTLSContext.self) else {
                throw MeshError("", "\(any.typeURL) is not supported")
            }
            switch message.sessionTicketKeysType {
            case .sessionTicketKeys, .sessionTicketKeysSdsSecretConfig:
                throw MeshError("session_ticket_keys", "is not supported")
            case .disableStatelessSessionResumption, nil: break
            }
            try refuse(message.preferClientCiphers, "prefer_client_ciphers")
            let security = try DownstreamSecurity(
                certificates: try certificates(message.commonTlsContext),
                validation: try validation(of: message.commonTlsContext),
                requiresClientCertificate: message.requireClientCertificate.value,
                requiresServerName: message.requireSni.value,
                applicationProtocols: message.commonTlsContext.alpnProtocols,
                parameters: try parameters(message.commonTlsContext.tlsParams),
                // Sessions are kept in tickets only.
                allowsResumption: !message.disableStatelessSessionResumption)
            try noteUnknownFields(of: message)
            return security
        }
    }

    /// - Returns: `nil` where bytes go as they are.
    /// - Throws: `MeshError` for any other transport socket, and for what is not supported of TLS.
    mutating func upstreamSecurity(
        _ socket: Proto.TransportSocket
    ) throws(MeshError) -> UpstreamSecurity? {
        guard let any = try secured(socket) else { return nil }
        return try MeshError.at("typed_config") { () throws(MeshError) in
            guard let message = try unpack(any, as: Proto.UpstreamTLSContext.self) else {
                throw MeshError("", "\(any.typeURL) is not supported")
            }
            try refuse(message.allowRenegotiation, "allow_renegotiation")
            try refuse(message.autoHostSni, "auto_host_sni")
            let sni = message.sni.isEmpty ? nil : message.sni
            var validation = try validation(of: message.commonTlsContext)
            if message.autoSniSanValidation {
                guard let name = sni else {
                    throw MeshError("auto_sni_san_validation", "needs sni")
                }
                validation = try validation.map { known throws(MeshError) in
                    PeerValidation(
                        trustedAuthorities: known.trustedAuthorities,
                        names: known.names
                            + [SubjectNameMatcher(.dns, try StringMatcher(.exact(name)))])
                }
            }
            guard let validation else {
                throw MeshError(
                    "common_tls_context.validation_context",
                    "is missing: a server that nobody verifies could be any")
            }
            let security = try UpstreamSecurity(
                certificates: try certificates(message.commonTlsContext), validation: validation,
                serverName: sni,
                applicationProtocols: message.commonTlsContext.alpnProtocols,
                parameters: try parameters(message.commonTlsContext.tlsParams),
                allowsResumption: !message.hasMaxSessionKeys || message.maxSessionKeys.value > 0)
            try noteUnknownFields(of: message)
            return security
        }
    }

    private func secured(
        _ socket: Proto.TransportSocket
    ) throws(MeshError) -> Proto.`Any`? {
        guard case .typedConfig(let any)? = socket.configType else {
            throw MeshError("typed_config", "is missing")
        }
        return any.typeURL == Proto.RawBuffer.typeURL ? nil : any
    }

    private func certificates(
        _ message: Proto.CommonTLSContext
    ) throws(MeshError) -> [CertificateSource] {
        try MeshError.at("common_tls_context") { () throws(MeshError) in
            try refuse(
                !message.tlsCertificateSdsSecretConfigs.isEmpty,
                "tls_certificate_sds_secret_configs")
            try refuse(
                message.hasTlsCertificateProviderInstance, "tls_certificate_provider_instance")
            try refuse(
                message.hasTlsCertificateCertificateProvider,
                "tls_certificate_certificate_provider")
            try refuse(
                message.hasTlsCertificateCertificateProviderInstance,
                "tls_certificate_certificate_provider_instance")
            try refuse(message.hasCustomHandshaker, "custom_handshaker")
            try refuse(message.hasKeyLog, "key_log")
            try refuse(
                message.hasCustomTlsCertificateSelector, "custom_tls_certificate_selector")
            return try mapping(message.tlsCertificates, "tls_certificates") {
                certificate throws(MeshError) in
                try refuse(certificate.hasPassword, "password")
                try refuse(certificate.hasPkcs12, "pkcs12")
                try refuse(certificate.hasOcspStaple, "ocsp_staple")
                try refuse(certificate.hasPrivateKeyProvider, "private_key_provider")
                try refuse(
                    !certificate.signedCertificateTimestamp.isEmpty,
                    "signed_certificate_timestamp")
                return CertificateSource(
                    certificateChain: try DataSource(
                        certificate.certificateChain, "certificate_chain"),
                    privateKey: try DataSource(certificate.privateKey, "private_key"))
            }
        }
    }

    private func validation(
        of message: Proto.CommonTLSContext
    ) throws(MeshError) -> PeerValidation? {
        try MeshError.at("common_tls_context") { () throws(MeshError) in
            switch message.validationContextType {
            case nil: return nil
            case .validationContext(let context):
                return try MeshError.at("validation_context") { () throws(MeshError) in
                    try validation(context)
                }
            case .validationContextSdsSecretConfig:
                throw MeshError("validation_context_sds_secret_config", "is not supported")
            case .combinedValidationContext:
                throw MeshError("combined_validation_context", "is not supported")
            case .validationContextCertificateProvider,
                .validationContextCertificateProviderInstance:
                throw MeshError("validation_context_certificate_provider", "is not supported")
            }
        }
    }

    private func validation(
        _ message: Proto.CertificateValidation
    ) throws(MeshError) -> PeerValidation {
        try refuse(!message.verifyCertificateSpki.isEmpty, "verify_certificate_spki")
        try refuse(!message.verifyCertificateHash.isEmpty, "verify_certificate_hash")
        try refuse(
            message.requireSignedCertificateTimestamp.value,
            "require_signed_certificate_timestamp")
        try refuse(message.hasCrl, "crl")
        try refuse(message.onlyVerifyLeafCertCrl, "only_verify_leaf_cert_crl")
        try refuse(message.allowExpiredCertificate, "allow_expired_certificate")
        try refuse(!message.matchSubjectAltNames.isEmpty, "match_subject_alt_names")
        try refuse(
            message.trustChainVerification != .verifyTrustChain, "trust_chain_verification")
        try refuse(message.hasCustomValidatorConfig, "custom_validator_config")
        try refuse(
            message.hasCaCertificateProviderInstance, "ca_certificate_provider_instance")
        try refuse(message.hasMaxVerifyDepth, "max_verify_depth")
        try refuse(message.hasSystemRootCerts, "system_root_certs")
        return PeerValidation(
            trustedAuthorities: try DataSource(message.trustedCa, "trusted_ca"),
            names: try mapping(
                message.matchTypedSubjectAltNames, "match_typed_subject_alt_names"
            ) { matcher throws(MeshError) in
                try SubjectNameMatcher(matcher)
            })
    }

    private func parameters(
        _ message: Proto.TLSParameters
    ) throws(MeshError) -> SecurityParameters {
        try MeshError.at("common_tls_context.tls_params") { () throws(MeshError) in
            try refuse(!message.signatureAlgorithms.isEmpty, "signature_algorithms")
            try refuse(!message.compliancePolicies.isEmpty, "compliance_policies")
            return try SecurityParameters(
                lowestVersion: try version(
                    message.tlsMinimumProtocolVersion, otherwise: .tls12,
                    "tls_minimum_protocol_version"),
                highestVersion: try version(
                    message.tlsMaximumProtocolVersion, otherwise: .tls13,
                    "tls_maximum_protocol_version"),
                // In brackets stand ciphers between which the client chooses; here the server does.
                ciphers: message.cipherSuites.flatMap { suite in
                    suite.split(whereSeparator: { "[|]".contains($0) }).map(String.init)
                },
                groups: message.ecdhCurves)
        }
    }

    private func version(
        _ version: Proto.TLSParameters.TlsProtocol, otherwise: SecurityParameters.Version,
        _ path: String
    ) throws(MeshError) -> SecurityParameters.Version {
        switch version {
        case .tlsAuto: return otherwise
        case .tlsv12: return .tls12
        case .tlsv13: return .tls13
        case .tlsv10, .tlsv11: throw MeshError(path, "\(version) is not safe any more")
        case .UNRECOGNIZED(let number): throw MeshError(path, "\(number) is not a known value")
        }
    }
}

extension DataSource {
    fileprivate init(_ message: Proto.DataSource, _ path: String) throws(MeshError) {
        switch message.specifier {
        case .filename(let name):
            if name.isEmpty { throw MeshError(path + ".filename", "must not be empty") }
            self = .file(name)
        case .inlineBytes(let bytes): self = .inline(Array(bytes))
        case .inlineString(let text): self = .inline(Array(text.utf8))
        case .environmentVariable:
            throw MeshError(path + ".environment_variable", "is not supported")
        case nil: throw MeshError(path, "is missing")
        }
    }
}

extension SubjectNameMatcher {
    fileprivate init(_ message: Proto.SubjectNameMatcher) throws(MeshError) {
        let kind: Kind
        switch message.sanType {
        case .email: kind = .email
        case .dns: kind = .dns
        case .uri: kind = .uri
        case .ipAddress: kind = .ipAddress
        case .unspecified: throw MeshError("san_type", "is missing")
        case .otherName: throw MeshError("san_type", "OTHER_NAME is not supported")
        case .UNRECOGNIZED(let number):
            throw MeshError("san_type", "\(number) is not a known value")
        }
        self.init(
            kind,
            try MeshError.at("matcher") { () throws(MeshError) in
                try StringMatcher(message.matcher)
            })
    }
}
