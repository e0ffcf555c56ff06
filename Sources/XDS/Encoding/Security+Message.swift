import FoundationEssentials
public import Mesh
import SwiftProtobuf

extension FilterChain {
    func message(filters: [Proto.Filter]) -> Proto.FilterChain {
        var message = Proto.FilterChain()
        message.filters = filters
        if match != Match() { message.filterChainMatch = match.message }
        if let security {
            message.transportSocket = .tls(security.message.packed)
        }
        if handshakeTimeout != Self.defaultHandshakeTimeout {
            message.transportSocketConnectTimeout = .init(handshakeTimeout)
        }
        return message
    }
}

extension FilterChain.Match {
    fileprivate var message: Proto.FilterChainMatch {
        var message = Proto.FilterChainMatch()
        message.serverNames = serverNames
        message.applicationProtocols = applicationProtocols
        switch transport {
        case .tls: message.transportProtocol = "tls"
        case .plain: message.transportProtocol = "raw_buffer"
        case nil: break
        }
        return message
    }
}

extension [FilterChain] {
    /// Envoy looks at what a client begins with only where it is told to.
    var listenerFilters: [Proto.ListenerFilter] {
        if allSatisfy({ $0.match == FilterChain.Match() }) { return [] }
        var filter = Proto.ListenerFilter()
        filter.name = "envoy.filters.listener.tls_inspector"
        filter.typedConfig = Proto.TLSInspector().packed
        return [filter]
    }
}

extension UpstreamSecurity {
    var transportSocket: Proto.TransportSocket { .tls(message.packed) }

    private var message: Proto.UpstreamTLSContext {
        var message = Proto.UpstreamTLSContext()
        message.commonTlsContext = Proto.CommonTLSContext(
            certificates, validation, applicationProtocols, parameters)
        message.sni = serverName ?? ""
        if !allowsResumption { message.maxSessionKeys = .init(0) }
        return message
    }
}

extension DownstreamSecurity {
    fileprivate var message: Proto.DownstreamTLSContext {
        var message = Proto.DownstreamTLSContext()
        message.commonTlsContext = Proto.CommonTLSContext(
            certificates, validation, applicationProtocols, parameters)
        if requiresClientCertificate { message.requireClientCertificate = .init(true) }
        if requiresServerName { message.requireSni = .init(true) }
        if !allowsResumption { message.disableStatelessSessionResumption = true }
        return message
    }
}

extension Proto.TransportSocket {
    fileprivate static func tls(_ context: Proto.`Any`) -> Self {
        var socket = Self()
        socket.name = "envoy.transport_sockets.tls"
        socket.typedConfig = context
        return socket
    }
}

extension Proto.CommonTLSContext {
    fileprivate init(
        _ certificates: [PresentedCertificate], _ validation: ValidationSource?,
        _ applicationProtocols: [String], _ parameters: SecurityParameters
    ) {
        self.init()
        for certificate in certificates {
            switch certificate {
            case .given(let source): tlsCertificates.append(source.message)
            case .secret(let reference): tlsCertificateSdsSecretConfigs.append(reference.message)
            }
        }
        switch validation {
        case .given(let validation): validationContext = validation.part.message
        case .secret(let reference, beside: PartialValidation()):
            validationContextSdsSecretConfig = reference.message
        case .secret(let reference, let part):
            combinedValidationContext.defaultValidationContext = part.message
            combinedValidationContext.validationContextSdsSecretConfig = reference.message
        case nil: break
        }
        alpnProtocols = applicationProtocols
        if parameters != .default { tlsParams = parameters.message }
    }
}

extension Secret {
    public var resource: Resource {
        var message = Proto.Secret()
        message.name = name
        switch content {
        case .certificate(let certificate): message.tlsCertificate = certificate.message
        case .validation(let validation): message.validationContext = validation.message
        }
        return Resource(.secret, name: name, message)
    }
}

extension SecretReference {
    fileprivate var message: Proto.SecretConfig {
        var message = Proto.SecretConfig()
        message.name = name
        switch origin {
        case .controlPlane: message.sdsConfig = .aggregated
        case .file(let path):
            message.sdsConfig.pathConfigSource.path = path
            message.sdsConfig.resourceApiVersion = .v3
        case .bootstrap: break
        }
        return message
    }
}

extension CertificateSource {
    fileprivate var message: Proto.TLSCertificate {
        var message = Proto.TLSCertificate()
        message.certificateChain = certificateChain.message
        message.privateKey = privateKey.message
        return message
    }
}

extension PeerValidation {
    fileprivate var part: PartialValidation {
        PartialValidation(trustedAuthorities: trustedAuthorities, names: names)
    }
}

extension PartialValidation {
    fileprivate var message: Proto.CertificateValidation {
        var message = Proto.CertificateValidation()
        if let trustedAuthorities { message.trustedCa = trustedAuthorities.message }
        message.matchTypedSubjectAltNames = names.map { name in
            var matcher = Proto.SubjectNameMatcher()
            matcher.sanType =
                switch name.kind {
                case .email: .email
                case .dns: .dns
                case .uri: .uri
                case .ipAddress: .ipAddress
                }
            matcher.matcher = name.matcher.message
            return matcher
        }
        return message
    }
}

extension SecurityParameters {
    fileprivate var message: Proto.TLSParameters {
        var message = Proto.TLSParameters()
        if versions.lowerBound != .tls12 { message.tlsMinimumProtocolVersion = .tlsv13 }
        if versions.upperBound != .tls13 { message.tlsMaximumProtocolVersion = .tlsv12 }
        message.cipherSuites = ciphers
        message.ecdhCurves = groups
        return message
    }
}

extension DataSource {
    fileprivate var message: Proto.DataSource {
        var message = Proto.DataSource()
        switch self {
        case .file(let path): message.filename = path
        case .inline(let bytes):
            // PEM is text, and is read more easily as such.
            if let text = String(validating: bytes, as: UTF8.self) {
                message.inlineString = text
            } else {
                message.inlineBytes = .init(bytes)
            }
        }
        return message
    }
}
