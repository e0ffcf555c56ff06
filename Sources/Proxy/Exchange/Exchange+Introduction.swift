import Bytes
import HTTP
import Mesh

/// What upstreams are told of the client: how it came, and whom its certificate shows.
extension Exchange {
    /// Adds it to the request, and asks the guards of the listener.
    ///
    /// - Returns: Whether the request goes on; else it was answered.
    func introduce(_ downstream: any Downstream, to listener: ListenerRuntime) -> Bool {
        let certificate = downstream.certificate
        // Whoever came before us may have said how the client came to it.
        if certificate.isSecure, request.fields.forwardedProtocolIndex == nil {
            request.fields.append("x-forwarded-proto", "https")
        }
        guard tell(certificate, by: listener.certificateForwarding) else {
            answer(431, [])
            return false
        }
        return passes(listener.guards, of: downstream)
    }

    /// What an upstream of HTTP/2 is told in `:scheme`, as Envoy finds it: what the client has said
    /// there, else what whoever came before us has said, else how the client came.
    var forwardedScheme: Scheme {
        if let scheme = request.scheme ?? request.fields.forwardedScheme { return scheme }
        guard let downstream, downstream.listener.considersClients else { return .http }
        return downstream.certificate.isSecure ? .https : .http
    }

    /// Says who the client is, in `x-forwarded-client-cert`, which a codec withholds.
    ///
    /// - Returns: Whether that is short enough.
    private func tell(
        _ certificate: ClientCertificate, by forwarding: CertificateForwarding
    ) -> Bool {
        switch forwarding.mode {
        case .sanitize: return true
        case .alwaysForwardOnly:
            request.fields.letPassCertificates()
            return true
        case .forwardOnly:
            if certificate.isThere { request.fields.letPassCertificates() }
            return true
        case .sanitizeSet, .appendForward:
            if !certificate.isThere { return true }
            var value = Buffer()
            if forwarding.mode == .appendForward {
                request.fields.appendCertificates(to: &value)
                if !value.isEmpty { value.append(UInt8(ascii: ",")) }
            }
            value.append(certificate.text(forwarding.details).span)
            if value.count > ClientCertificate.byteLimit { return false }
            request.fields.append("x-forwarded-client-cert", value: value)
            return true
        }
    }
}

extension Fields {
    fileprivate var forwardedProtocolIndex: Int? {
        for index in indices where name(at: index).equalsIgnoringCase("x-forwarded-proto") {
            return index
        }
        return nil
    }

    /// What `x-forwarded-proto` says.
    fileprivate var forwardedScheme: Scheme? {
        guard let index = forwardedProtocolIndex else { return nil }
        if value(at: index).equalsIgnoringCase("https") { return .https }
        return value(at: index).equalsIgnoringCase("http") ? .http : nil
    }

    fileprivate mutating func letPassCertificates() {
        for index in indices where self[index].known == .xForwardedClientCert {
            letPass(at: index)
        }
    }

    /// Appends what the client has said, as one value.
    fileprivate func appendCertificates(to buffer: inout Buffer) {
        for index in indices where self[index].known == .xForwardedClientCert {
            if !buffer.isEmpty { buffer.append(UInt8(ascii: ",")) }
            buffer.append(value(at: index))
        }
    }
}
