/// The name of the authority that vouches for a mesh's identities (SPIFFE-ID §2.1).
public struct TrustDomain: Hashable, Sendable, CustomStringConvertible {
    public static let standard = TrustDomain(checked: "cluster.local")

    public let name: String

    /// Makes a trust domain of a DNS name in lower case, which is less than SPIFFE allows.
    ///
    /// - Throws: ``MeshError`` when the name is none.
    public init(_ name: String) throws(MeshError) {
        try require(subdomain: name, "")
        self.name = name
    }

    private init(checked name: String) {
        self.name = name
    }

    public var description: String { name }

    /// What every SPIFFE ID of the domain begins with.
    public var spiffeIDPrefix: String { "spiffe://\(name)/" }

    /// What the SPIFFE IDs of a namespace's workloads begin with.
    public func spiffeIDPrefix(ofNamespace namespace: String) -> String {
        "\(spiffeIDPrefix)ns/\(namespace)/sa/"
    }
}

/// Who a workload is: an account in a namespace, as in Kubernetes.
///
/// Without Kubernetes the namespace is `default` and the account the service's name.
public struct WorkloadIdentity: Hashable, Sendable, CustomStringConvertible {
    public static let standardNamespace = "default"

    /// A DNS label.
    public let namespace: String
    /// DNS labels with dots between them.
    public let account: String

    /// Makes an identity.
    ///
    /// - Throws: ``MeshError`` when one of the names is none.
    public init(
        namespace: String = WorkloadIdentity.standardNamespace, account: String
    ) throws(MeshError) {
        try require(label: namespace, "namespace")
        try require(subdomain: account, "account")
        self.namespace = namespace
        self.account = account
    }

    /// Reads `NAMESPACE/ACCOUNT`, or `ACCOUNT` alone.
    ///
    /// - Throws: ``MeshError`` when it is neither.
    public init(parsing text: String) throws(MeshError) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        do throws(MeshError) {
            switch parts.count {
            case 1: try self.init(account: text)
            case 2: try self.init(namespace: String(parts[0]), account: String(parts[1]))
            default: throw MeshError("", "is not NAMESPACE/ACCOUNT")
            }
        } catch {
            throw MeshError("", "\"\(text)\" is not NAMESPACE/ACCOUNT: \(error.description)")
        }
    }

    /// Reads `spiffe://TRUST_DOMAIN/ns/NAMESPACE/sa/ACCOUNT`; `nil` for anything else, another
    /// trust domain included.
    public init?(spiffeID: String, in trustDomain: TrustDomain) {
        let prefix = "\(trustDomain.spiffeIDPrefix)ns/"
        guard spiffeID.hasPrefix(prefix) else { return nil }
        let parts = spiffeID.dropFirst(prefix.count).split(
            separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 3, parts[1] == "sa",
            let identity = try? WorkloadIdentity(
                namespace: String(parts[0]), account: String(parts[2]))
        else { return nil }
        self = identity
    }

    /// The identity as it stands in a certificate (X509-SVID §2).
    public func spiffeID(in trustDomain: TrustDomain) -> String {
        trustDomain.spiffeIDPrefix(ofNamespace: namespace) + account
    }

    /// The short form, `NAMESPACE/ACCOUNT`.
    public var description: String { "\(namespace)/\(account)" }
}
