import Mesh

/// How the sidecars of the mesh show each other who they are.
enum MeshSecurity {
    /// The secret with a sidecar's own certificate.
    static let identity = "identity"
    /// The secret with all roots that are accepted.
    static let roots = "roots"

    private static func certificates() throws(MeshError) -> [PresentedCertificate] {
        [.secret(try SecretReference(identity, from: .controlPlane))]
    }

    private static func peers(_ name: StringMatcher) throws(MeshError) -> ValidationSource {
        .secret(
            try SecretReference(roots, from: .controlPlane),
            beside: PartialValidation(names: [SubjectNameMatcher(.uri, name)]))
    }

    /// What a caller of the service demands.
    static func upstream(
        of service: Service, in trustDomain: TrustDomain
    ) throws(MeshError) -> UpstreamSecurity {
        try UpstreamSecurity(
            certificates: try certificates(),
            validation: try peers(
                StringMatcher(.exact(service.identity.spiffeID(in: trustDomain)))),
            applicationProtocols: service.application.offeredProtocols)
    }

    /// What a sidecar of the service demands of its callers: any identity of the mesh.
    static func downstream(
        of service: Service, in trustDomain: TrustDomain
    ) throws(MeshError) -> DownstreamSecurity {
        try DownstreamSecurity(
            certificates: try certificates(),
            validation: try peers(StringMatcher(.prefix(trustDomain.spiffeIDPrefix))),
            requiresClientCertificate: true,
            applicationProtocols: service.application.acceptedProtocols)
    }
}

extension Service.Application {
    /// What a caller offers (ALPN): that which the service speaks, and nothing else.
    ///
    /// Two sidecars could speak HTTP/2 between programs that do not; but then a connection that is
    /// upgraded, a limit or a reset would mean something else on the way than at its ends.
    fileprivate var offeredProtocols: [String] {
        switch self {
        case .http: ["http/1.1"]
        case .http2, .grpc: ["h2"]
        case .tcp: []
        }
    }

    /// What a sidecar takes (ALPN), in its order; it translates what its program does not speak.
    fileprivate var acceptedProtocols: [String] {
        switch self {
        case .http, .http2, .grpc: ["h2", "http/1.1"]
        case .tcp: []
        }
    }
}
