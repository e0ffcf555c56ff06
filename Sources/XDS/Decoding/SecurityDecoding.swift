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
                let matcher = SubjectNameMatcher(.dns, try StringMatcher(.exact(name)))
                validation = validation.map { $0.accepting(matcher) }
            }
            guard let validation else {
                throw MeshError(
                    "common_tls_context.validation_context",
                    "is missing: a server that nobody verifies could be any")
            }
            let certificates = try certificates(message.commonTlsContext)
            if certificates.count > 1, certificates.contains(where: \.isSecret) {
                throw MeshError(
                    "common_tls_context.tls_certificate_sds_secret_configs",
                    "must not have several elements towards endpoints")
            }
            let security = try UpstreamSecurity(
                certificates: certificates, validation: validation, serverName: sni,
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

extension ValidationSource {
    /// The same, and one more name that will do.
    fileprivate func accepting(_ name: SubjectNameMatcher) -> ValidationSource {
        switch self {
        case .given(let known):
            .given(
                PeerValidation(
                    trustedAuthorities: known.trustedAuthorities, names: known.names + [name]))
        case .secret(let reference, let known):
            .secret(
                reference,
                beside: PartialValidation(
                    trustedAuthorities: known.trustedAuthorities, names: known.names + [name]))
        }
    }
}

extension PresentedCertificate {
    fileprivate var isSecret: Bool {
        if case .secret = self { true } else { false }
    }
}
