/// The endpoints of a cluster: `envoy.config.endpoint.v3.ClusterLoadAssignment`.
public struct EndpointAssignment: Equatable, Sendable {
    public let clusterName: String
    public let localities: [LocalityEndpoints]
    /// How far healthy endpoints of a priority are loaded before the next one helps, in percent.
    public let overprovisioningFactor: UInt32

    /// Makes an assignment.
    ///
    /// - Throws: ``MeshError`` when the name is empty, the factor zero, or the weights of the
    ///   localities of one priority sum to more than `UInt32.max`.
    public init(
        clusterName: String,
        localities: [LocalityEndpoints] = [],
        overprovisioningFactor: UInt32 = 140
    ) throws(MeshError) {
        try require(nonEmpty: clusterName, "cluster_name")
        if overprovisioningFactor == 0 {
            throw MeshError("policy.overprovisioning_factor", "must be more than zero")
        }
        var sums: [UInt32: UInt64] = [:]
        for (index, locality) in localities.enumerated() {
            let sum = sums[locality.priority, default: 0] &+ UInt64(locality.weight ?? 0)
            if sum > UInt64(UInt32.max) {
                throw MeshError(
                    "endpoints[\(index)].load_balancing_weight",
                    "the weights of priority \(locality.priority) sum to more than \(UInt32.max)")
            }
            sums[locality.priority] = sum
        }
        self.clusterName = clusterName
        self.localities = localities
        self.overprovisioningFactor = overprovisioningFactor
    }
}

/// Endpoints at one place: `envoy.config.endpoint.v3.LocalityLbEndpoints`.
public struct LocalityEndpoints: Equatable, Sendable {
    public let locality: Locality
    /// Zero is used first.
    public let priority: UInt32
    /// Among the localities of a priority; `nil` when the peer gave none.
    public let weight: UInt32?
    public let endpoints: [Endpoint]

    /// Makes a group.
    ///
    /// - Throws: ``MeshError`` when the priority is more than 128, the weight zero, or the weights
    ///   of the endpoints sum to more than `UInt32.max`.
    public init(
        locality: Locality = Locality(),
        priority: UInt32 = 0,
        weight: UInt32? = nil,
        endpoints: [Endpoint]
    ) throws(MeshError) {
        if priority > 128 { throw MeshError("priority", "must be at most 128") }
        if weight == 0 { throw MeshError("load_balancing_weight", "must be more than zero") }
        let sum = endpoints.reduce(into: UInt64(0)) { $0 &+= UInt64($1.weight) }
        if sum > UInt64(UInt32.max) {
            throw MeshError("lb_endpoints", "the weights sum to more than \(UInt32.max)")
        }
        self.locality = locality
        self.priority = priority
        self.weight = weight
        self.endpoints = endpoints
    }
}

/// Where endpoints stand: `envoy.config.core.v3.Locality`.
public struct Locality: Hashable, Sendable {
    public let region: String
    public let zone: String
    public let subZone: String

    public init(region: String = "", zone: String = "", subZone: String = "") {
        self.region = region
        self.zone = zone
        self.subZone = subZone
    }
}

/// One server: `envoy.config.endpoint.v3.LbEndpoint`.
public struct Endpoint: Hashable, Sendable {
    /// `envoy.config.core.v3.HealthStatus`, as the control plane sees it.
    public enum Health: BitwiseCopyable, Sendable {
        case unknown
        case healthy
        case unhealthy
        case draining
        case timeout
        case degraded
    }

    /// An address in text, such as `127.0.0.1` or `::1`.
    public let host: String
    public let port: UInt16
    /// Among the endpoints of its locality; at least 1.
    public let weight: UInt32
    public let health: Health

    /// Makes an endpoint.
    ///
    /// - Throws: ``MeshError`` when the host is empty, or port or weight are zero.
    public init(
        host: String, port: UInt16, weight: UInt32 = 1, health: Health = .unknown
    ) throws(MeshError) {
        try require(nonEmpty: host, "endpoint.address.socket_address.address")
        if port == 0 {
            throw MeshError("endpoint.address.socket_address.port_value", "must be more than zero")
        }
        if weight == 0 { throw MeshError("load_balancing_weight", "must be more than zero") }
        self.host = host
        self.port = port
        self.weight = weight
        self.health = health
    }
}
