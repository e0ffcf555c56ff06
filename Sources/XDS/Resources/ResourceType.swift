/// The kinds of resources that a control plane hands out and a proxy asks for.
public enum ResourceType: String, CaseIterable, Hashable, Sendable {
    case listener = "envoy.config.listener.v3.Listener"
    case routeConfiguration = "envoy.config.route.v3.RouteConfiguration"
    case cluster = "envoy.config.cluster.v3.Cluster"
    case endpointAssignment = "envoy.config.endpoint.v3.ClusterLoadAssignment"
    case secret = "envoy.extensions.transport_sockets.tls.v3.Secret"

    static let prefix = "type.googleapis.com/"

    /// What stands in `type_url`.
    public var typeURL: String { Self.prefix + rawValue }

    public init?(typeURL: String) {
        guard typeURL.hasPrefix(Self.prefix) else { return nil }
        self.init(rawValue: String(typeURL.dropFirst(Self.prefix.count)))
    }

    /// The last part of the message's name, for people.
    public var name: String {
        switch self {
        case .listener: "Listener"
        case .routeConfiguration: "RouteConfiguration"
        case .cluster: "Cluster"
        case .endpointAssignment: "ClusterLoadAssignment"
        case .secret: "Secret"
        }
    }

    /// Whether a response holds all there is, so that what it leaves out is gone.
    public var isStateOfTheWorld: Bool {
        switch self {
        case .listener, .cluster: true
        case .routeConfiguration, .endpointAssignment, .secret: false
        }
    }
}
