import Mesh
import XDS

/// What the sidecars of a service are told of that which comes in for it, encoded once for all.
struct InboundResources {
    /// What a client may switch to.
    private static let upgrades = ["websocket"]
    /// Rules of access see each path in one spelling, and so does the program.
    private static let normalization = PathNormalization(resolves: true, mergesSlashes: true)

    let cluster: Resource
    /// For sidecars with an identity.
    private let secure: EncodedListener
    /// For sidecars without one; `nil` where there is no way in past TLS.
    private let plain: EncodedListener?

    /// Makes the resources for a service.
    ///
    /// - Parameters:
    ///   - service: `nil` for one that is not known: its sidecars let everything in.
    ///   - trustDomain: Who vouches for callers.
    /// - Throws: `MeshError` when they cannot be told to proxies.
    init(_ service: Service?, in trustDomain: TrustDomain) throws(MeshError) {
        let application = service?.application ?? .http
        let listener = try Listener(
            name: Catalog.inbound, host: "127.0.0.1", port: 0, direction: .inbound,
            routes: try application.inboundRoutes, statPrefix: Catalog.inbound,
            upgrades: Self.upgrades
        )
        .guarded(by: try service?.access?.filters(in: trustDomain) ?? [])
        .normalizingPaths(by: service?.access == nil ? .none : Self.normalization)
        cluster =
            try Cluster(
                name: Catalog.inbound, discovery: .eds(serviceName: Catalog.inbound),
                upstreamProtocol: application.upstreamProtocol
            ).resource
        let unsecured = EncodedListener(listener)
        guard let service, service.takesTLS else {
            plain = unsecured
            secure = unsecured
            return
        }
        let security = try MeshSecurity.downstream(of: service, in: trustDomain)
        let secured = listener.forwardingCertificates(
            by: CertificateForwarding(.sanitizeSet, [.uris]))
        switch service.security {
        case .off, .permissive:
            plain = unsecured
            secure = EncodedListener(
                secured.secured(by: [
                    try FilterChain(match: FilterChain.Match(transport: .tls), security: security),
                    try FilterChain(match: FilterChain.Match(transport: .plain)),
                ]))
        case .strict:
            plain = nil
            secure = EncodedListener(secured.secured(by: [try FilterChain(security: security)]))
        }
    }

    /// The listener for a sidecar with an identity, or without; `nil` where it has none.
    func listener(isSecure: Bool) -> EncodedListener? {
        isSecure ? secure : plain
    }

    /// Everything that comes in goes to the program beside the sidecar, as long as that takes.
    static func routes() throws(MeshError) -> RouteConfiguration {
        let action = try ForwardAction(destination: .cluster(Catalog.inbound), timeout: nil)
        let route = Route(
            name: "\(Catalog.inbound)/default", match: RouteMatch(path: .prefix("/")),
            action: .forward(action))
        let host = try VirtualHost(name: Catalog.inbound, domains: [.any], routes: [route])
        return try RouteConfiguration(name: Catalog.inbound, virtualHosts: [host])
    }

    /// Reads the resources as a proxy would.
    ///
    /// - Throws: `ResourceError` with what the proxy would answer.
    func check(_ decoder: inout ResourceDecoder) throws(ResourceError) {
        for listener in [secure, plain].compactMap(\.self) {
            _ = try decoder.listener(listener.resource(host: "127.0.0.1", port: 0).body)
        }
        _ = try decoder.cluster(cluster.body)
    }
}

extension Service {
    /// Whether its sidecars are ready for TLS: also before callers are told to speak it, so that
    /// some may know of that before others; where nothing is known of what is spoken, it may be the
    /// programs' own.
    fileprivate var takesTLS: Bool { security != .off || application != .tcp }
}

extension Service.Application {
    /// What is done with that which comes in for a service.
    fileprivate var inboundRoutes: Listener.Routes {
        get throws(MeshError) {
            switch self {
            case .http, .http2, .grpc: .discovered(Catalog.inbound)
            case .tcp:
                .tunnel(
                    try TunnelRules(destination: .cluster(Catalog.inbound), name: Catalog.inbound))
            }
        }
    }
}
