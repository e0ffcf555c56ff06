import Mesh
import SwiftProtobuf

/// Certificates and whom to trust, where they are used and as secrets of their own.
extension ResourceDecoder {
    mutating func secret(_ message: Proto.Secret) throws(MeshError) -> Secret {
        let content: Secret.Content
        switch message.type {
        case .tlsCertificate(let certificate):
            content = try MeshError.at("tls_certificate") { () throws(MeshError) in
                .certificate(try self.certificate(certificate))
            }
        case .validationContext(let context):
            content = try MeshError.at("validation_context") { () throws(MeshError) in
                .validation(try validation(context))
            }
        case .sessionTicketKeys: throw MeshError("session_ticket_keys", "is not supported")
        case .genericSecret: throw MeshError("generic_secret", "is not supported")
        case nil:
            throw MeshError("", "has neither a tls_certificate nor a validation_context")
        }
        let secret = try Secret(name: message.name, content)
        try noteUnknownFields(of: message)
        return secret
    }

    func certificates(
        _ message: Proto.CommonTLSContext
    ) throws(MeshError) -> [PresentedCertificate] {
        try MeshError.at("common_tls_context") { () throws(MeshError) in
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
            let given = try mapping(message.tlsCertificates, "tls_certificates") {
                message throws(MeshError) in
                PresentedCertificate.given(try certificate(message))
            }
            let name = "tls_certificate_sds_secret_configs"
            let secrets = try mapping(message.tlsCertificateSdsSecretConfigs, name) {
                message throws(MeshError) in
                PresentedCertificate.secret(try SecretReference(message))
            }
            if !given.isEmpty, !secrets.isEmpty {
                throw MeshError(name, "must not stand beside tls_certificates")
            }
            return given + secrets
        }
    }

    private func certificate(
        _ message: Proto.TLSCertificate
    ) throws(MeshError) -> CertificateSource {
        try refuse(message.hasPassword, "password")
        try refuse(message.hasPkcs12, "pkcs12")
        try refuse(message.hasOcspStaple, "ocsp_staple")
        try refuse(message.hasPrivateKeyProvider, "private_key_provider")
        try refuse(
            !message.signedCertificateTimestamp.isEmpty, "signed_certificate_timestamp")
        return CertificateSource(
            certificateChain: try DataSource(message.certificateChain, "certificate_chain"),
            privateKey: try DataSource(message.privateKey, "private_key"))
    }

    func validation(
        of message: Proto.CommonTLSContext
    ) throws(MeshError) -> ValidationSource? {
        try MeshError.at("common_tls_context") { () throws(MeshError) in
            switch message.validationContextType {
            case nil: return nil
            case .validationContext(let context):
                return try MeshError.at("validation_context") { () throws(MeshError) in
                    let known = try validation(context)
                    guard let validation = known.merged(with: PartialValidation()) else {
                        throw MeshError("trusted_ca", "is missing")
                    }
                    return .given(validation)
                }
            case .validationContextSdsSecretConfig(let config):
                let name = "validation_context_sds_secret_config"
                return try MeshError.at(name) { () throws(MeshError) in
                    .secret(try SecretReference(config), beside: PartialValidation())
                }
            case .combinedValidationContext(let combined):
                return try MeshError.at("combined_validation_context") { () throws(MeshError) in
                    try validation(of: combined)
                }
            case .validationContextCertificateProvider,
                .validationContextCertificateProviderInstance:
                throw MeshError("validation_context_certificate_provider", "is not supported")
            }
        }
    }

    private func validation(
        of message: Proto.CombinedValidation
    ) throws(MeshError) -> ValidationSource {
        try refuse(
            message.hasValidationContextCertificateProvider,
            "validation_context_certificate_provider")
        try refuse(
            message.hasValidationContextCertificateProviderInstance,
            "validation_context_certificate_provider_instance")
        // Envoy asks for both.
        for (name, isThere) in [
            ("default_validation_context", message.hasDefaultValidationContext),
            (
                "validation_context_sds_secret_config",
                message.hasValidationContextSdsSecretConfig
            ),
        ] where !isThere { throw MeshError(name, "is missing") }
        let name = "validation_context_sds_secret_config"
        let reference = try MeshError.at(name) { () throws(MeshError) in
            try SecretReference(message.validationContextSdsSecretConfig)
        }
        return try MeshError.at("default_validation_context") { () throws(MeshError) in
            .secret(reference, beside: try validation(message.defaultValidationContext))
        }
    }

    private func validation(
        _ message: Proto.CertificateValidation
    ) throws(MeshError) -> PartialValidation {
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
        return PartialValidation(
            trustedAuthorities: message.hasTrustedCa
                ? try DataSource(message.trustedCa, "trusted_ca") : nil,
            names: try mapping(
                message.matchTypedSubjectAltNames, "match_typed_subject_alt_names"
            ) { matcher throws(MeshError) in
                try SubjectNameMatcher(matcher)
            })
    }
}

extension SecretReference {
    fileprivate init(_ message: Proto.SecretConfig) throws(MeshError) {
        let source = message.sdsConfig
        let origin: Origin
        switch source.configSourceSpecifier {
        case nil where !message.hasSdsConfig: origin = .bootstrap
        case .ads, .self_p: origin = .controlPlane
        case .path(let path): origin = .file(path)
        case .pathConfigSource(let file): origin = .file(file.path)
        case .apiConfigSource: throw MeshError("sds_config.api_config_source", "is not supported")
        case nil: throw MeshError("sds_config", "says nothing of where the secret is")
        }
        if message.hasSdsConfig, source.resourceApiVersion == .v2 {
            throw MeshError("sds_config.resource_api_version", "must be V3")
        }
        try self.init(message.name, from: origin)
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
