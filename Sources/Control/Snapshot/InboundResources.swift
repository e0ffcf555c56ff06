import Mesh
import XDS

/// What the sidecars of a service are told of that which comes in for it, encoded once for all.
struct InboundResources {
    /// What a client may switch to.
    private static let upgrades = ["websocket"]

    /// Where each sidecar takes what comes in is its own.
    let listener: EncodedListener
    let cluster: Resource

    /// Makes the resources for a service; for one that is not known without a name, they let
    /// everything through.
    init(_ application: Service.Application, _ access: ServiceAccess?) throws(MeshError) {
        let listener = try Listener(
            name: Catalog.inbound, host: "127.0.0.1", port: 0, direction: .inbound,
            routes: try application.inboundRoutes, statPrefix: Catalog.inbound,
            upgrades: Self.upgrades)
        self.listener = EncodedListener(
            try listener.guarded(by: try access?.filters() ?? []))
        cluster =
            try Cluster(
                name: Catalog.inbound, discovery: .eds(serviceName: Catalog.inbound),
                upstreamProtocol: application.upstreamProtocol
            ).resource
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
        _ = try decoder.listener(listener.resource(host: "127.0.0.1", port: 0).body)
        _ = try decoder.cluster(cluster.body)
    }
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
