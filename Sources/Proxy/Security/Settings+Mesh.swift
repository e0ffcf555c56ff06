import Mesh
import TLS

extension DownstreamSecurity {
    var role: Role {
        .server(
            clientCertificate: validation == nil
                ? .ignored : requiresClientCertificate ? .required : .requested,
            requiresServerName: requiresServerName)
    }

    func settings(
        holding reader: inout SourceReader, spoken: [String]
    ) throws(SourceError) -> Settings {
        var settings = try Settings(certificates, validation, parameters, reader: &reader)
        // What is negotiated is what will be spoken.
        settings.applicationProtocols = applicationProtocols.filter { spoken.contains($0) }
        settings.allowsResumption = allowsResumption
        return settings
    }
}

extension UpstreamSecurity {
    func settings(holding reader: inout SourceReader) throws(SourceError) -> Settings {
        var settings = try Settings(certificates, validation, parameters, reader: &reader)
        // Which protocol is offered is decided with each connection.
        settings.allowsResumption = allowsResumption
        // What a secret says is known only now.
        if settings.expectedNames.isEmpty { throw .withoutNames }
        return settings
    }
}

extension Secret.Content {
    /// The least settings that take the secret, and a role; `nil` when there is nothing to take.
    func settings(
        holding reader: inout SourceReader
    ) throws(SourceError) -> (Settings, Role)? {
        var settings = Settings()
        switch self {
        case .certificate(let certificate):
            settings.credentials = [try reader.credential(of: certificate)]
            return (settings, .server(clientCertificate: .ignored))
        case .validation(let validation):
            guard let authorities = validation.trustedAuthorities else { return nil }
            settings.trustedAuthorities = try reader.bytes(of: authorities)
            return (settings, .client)
        }
    }
}

extension Settings {
    fileprivate init(
        _ certificates: [PresentedCertificate], _ validation: ValidationSource?,
        _ parameters: SecurityParameters, reader: inout SourceReader
    ) throws(SourceError) {
        self.init()
        for certificate in certificates {
            credentials.append(try reader.credential(of: certificate))
        }
        if let validation = try validation.map({ source throws(SourceError) in
            try reader.validation(of: source)
        }) {
            trustedAuthorities = try reader.bytes(of: validation.trustedAuthorities)
            expectedNames = validation.names.map(NameMatcher.init)
        }
        let versions = parameters.versions
        self.versions = TLS.Version(versions.lowerBound)...TLS.Version(versions.upperBound)
        ciphers = parameters.ciphers
        groups = parameters.groups
    }
}

extension TLS.Version {
    fileprivate init(_ version: SecurityParameters.Version) {
        switch version {
        case .tls12: self = .tls12
        case .tls13: self = .tls13
        }
    }
}

extension NameMatcher {
    fileprivate init(_ name: SubjectNameMatcher) {
        let matcher = name.matcher
        switch (name.kind, matcher.pattern) {
        // As in Envoy, where a certificate's `*.mesh` is good for `a.mesh`.
        case (.dns, .exact(let host)): self = .host(host)
        case (.dns, _): self.init(.dns, accepts: matcher.matches)
        case (.email, _): self.init(.email, accepts: matcher.matches)
        case (.uri, _): self.init(.uri, accepts: matcher.matches)
        case (.ipAddress, _): self.init(.ipAddress, accepts: matcher.matches)
        }
    }
}
