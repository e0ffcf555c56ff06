import Mesh
import TLS
import XDS

/// What one stream is given as secrets: a certificate of its client's identity with a key that is
/// made for it, and the roots that are accepted.
///
/// A sidecar of this house makes its key itself and asks for none of them.
final class StreamSecrets {
    /// How long after a failure the certificate is made again, in seconds.
    private static let retryInterval: Int64 = 10

    private let client: VerifiedClient
    private let address: String
    private var certificate: Resource?
    /// When another certificate is made; seconds since 1970.
    private var renewalTime: Int64 = 0
    private var roots: [String] = []
    private var changeCount: UInt64 = 0
    private(set) var collection = ResourceOffer.Collection(version: "0", resources: [])

    init(_ client: VerifiedClient, address: String) {
        self.client = client
        self.address = address
    }

    /// Makes what is asked for and not there yet, or half of its time old.
    ///
    /// - Parameters:
    ///   - interest: What the client asks for.
    ///   - time: Since any fixed point.
    /// - Returns: Whether there is something else to be told.
    func renew(for interest: ServerSubscription.Interest, at time: Duration) -> Bool {
        let wants: Bool
        switch interest {
        case .nothing: return false
        case .everything: wants = true
        case .names(let names): wants = names.contains(MeshSecurity.identity)
        }
        let now = client.authority.now()
        let isDue = wants && now >= renewalTime
        if isDue { renewCertificate(at: time, now) }
        if !isDue, roots == client.authority.roots { return false }
        roots = client.authority.roots
        var resources: [Resource] = []
        if let certificate { resources.append(certificate) }
        if let secret = try? Secret(
            name: MeshSecurity.roots,
            .validation(
                PartialValidation(trustedAuthorities: .inline(Array(roots.joined().utf8)))))
        {
            resources.append(secret.resource)
        }
        changeCount += 1
        collection = ResourceOffer.Collection(version: "\(changeCount)", resources: resources)
        return true
    }

    private func renewCertificate(at time: Duration, _ now: Int64) {
        renewalTime = now + Self.retryInterval
        do {
            let (issue, key) = try client.authority.makeSecret(
                for: client.identity, address: address, at: time)
            let source = CertificateSource(
                certificateChain: .inline(Array(issue.chain.joined().utf8)),
                privateKey: .inline(key.pem))
            certificate = try Secret(name: MeshSecurity.identity, .certificate(source)).resource
            renewalTime = now + max(1, (issue.validity.upperBound - now) / 2)
        } catch {
            client.authority.onEvent("authority: no secret for \(client.identity): \(error)")
        }
    }
}
