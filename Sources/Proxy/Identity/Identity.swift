import Mesh
import TLS

/// What a sidecar is sure of its name by, and by what it is sure of others.
struct Identity: Equatable {
    let credential: Credential
    /// In PEM: whom the mesh trusts.
    let roots: [UInt8]
    /// When the certificate came, by the own date, in seconds since 1970.
    let receivedAt: Int64
    /// The own certificate and those behind it.
    let certificates: [CertificateDescription]
    /// Such as `spiffe://cluster.local/ns/default/sa/reviews`.
    let name: String

    /// Takes what an authority has issued, or what was kept of it.
    ///
    /// - Throws: ``IdentityError``
    init(
        _ credential: Credential, roots: [UInt8], receivedAt: Int64, in trustDomain: TrustDomain
    ) throws(IdentityError) {
        self.credential = credential
        self.roots = roots
        self.receivedAt = receivedAt
        certificates = CertificateDescription.all(inPEM: credential.certificateChain)
        guard let own = certificates.first else { throw .unusable(.settings(.certificateChain)) }
        guard let name = own.identity.spiffeID,
            WorkloadIdentity(spiffeID: name, in: trustDomain) != nil
        else { throw .foreignName(own.identity.names.first ?? "") }
        self.name = name
        _ = try Self.context(settings)
        do throws(TLSError) {
            // When it is good, whatever the own clock says.
            let middle = own.startsAt / 2 + own.endsAt / 2
            try CertificateChain.verify(credential.certificateChain, against: roots, at: middle)
        } catch {
            throw .unusable(error)
        }
    }

    /// What is presented, and who is trusted.
    var settings: Settings {
        var settings = Settings()
        settings.credentials = [credential]
        settings.trustedAuthorities = roots
        return settings
    }

    var term: IdentityState.Term {
        IdentityState.Term(
            start: .seconds(certificates.first?.startsAt ?? 0), end: .seconds(expiry),
            received: .seconds(receivedAt))
    }

    /// When the certificate ends being good, in seconds since 1970.
    var expiry: Int64 { certificates.first?.endsAt ?? 0 }

    /// What listeners and clusters that the control plane sends name: whom to trust, and then what
    /// is presented.
    var secrets: [Secret] {
        let certificate = CertificateSource(
            certificateChain: .inline(credential.certificateChain),
            privateKey: .inline(credential.privateKey))
        let validation = PartialValidation(trustedAuthorities: .inline(roots))
        return [
            ("roots", Secret.Content.validation(validation)),
            ("identity", .certificate(certificate)),
        ]
        .compactMap { name, content in try? Secret(name: name, content) }
    }

    static func context(_ settings: Settings) throws(IdentityError) -> TLS.Context {
        do throws(TLSError) {
            return try TLS.Context(settings, role: .client)
        } catch {
            throw .unusable(error)
        }
    }
}

/// Why there is no identity.
enum IdentityError: Error, Equatable, CustomStringConvertible {
    /// Certificates, key and roots do not fit together.
    case unusable(TLSError)
    /// The certificate has no name in the own trust domain.
    case foreignName(String)

    var description: String {
        switch self {
        case .unusable(let error): "what was issued cannot be used: \(error)"
        case .foreignName(let name):
            "the certificate is for \"\(name)\", which is no workload of the trust domain"
        }
    }
}
