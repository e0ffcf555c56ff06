import Mesh

/// How a sidecar gets its certificate from the control plane.
public struct IdentitySettings: Sendable {
    /// A file of the mesh's roots in PEM, by which the control plane is known.
    public var rootsPath: String
    /// A file that holds a token, read when there is no good certificate; `nil` for none.
    public var tokenPath: String?
    let trustDomain: TrustDomain

    /// Makes settings; `nil` when the trust domain is no name, `cluster.local` where none is given.
    public init?(rootsPath: String, tokenPath: String?, trustDomain name: String? = nil) {
        var trustDomain = TrustDomain.standard
        if let name {
            guard let named = try? TrustDomain(name) else { return nil }
            trustDomain = named
        }
        self.rootsPath = rootsPath
        self.tokenPath = tokenPath
        self.trustDomain = trustDomain
    }

    /// Who the control plane has to be.
    var controlPlaneName: String { "spiffe://\(trustDomain.name)/ns/pointsman/sa/control" }
}
