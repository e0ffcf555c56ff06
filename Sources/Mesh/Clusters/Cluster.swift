/// A set of endpoints that do the same: `envoy.config.cluster.v3.Cluster`.
public struct Cluster: Equatable, Sendable {
    public static let defaultConnectTimeout = Duration.seconds(5)

    /// Where the endpoints come from.
    public enum Discovery: Equatable, Sendable {
        /// From the cluster itself (`STATIC`).
        case `static`(EndpointAssignment)
        /// From EDS, under `serviceName`.
        case eds(serviceName: String)
    }

    public enum LoadBalancing: Equatable, Sendable {
        case roundRobin
        /// The least busy of `choices` endpoints taken at random; at least 2.
        case leastRequest(choices: UInt32)
        /// A ring of `minimumSize`…`maximumSize` points; made by
        /// ``ringHash(checkingMinimumSize:maximumSize:)``.
        case ringHash(minimumSize: UInt64, maximumSize: UInt64)
        case random

        /// Most points of a ring, as in Envoy.
        public static let ringLimit: UInt64 = 8 << 20

        /// The ring that `ring_hash_lb_config` asks for.
        ///
        /// - Throws: ``MeshError`` when a size is more than ``ringLimit`` or the smallest size is
        ///   more than the largest.
        public static func ringHash(
            checkingMinimumSize minimumSize: UInt64 = 1024, maximumSize: UInt64 = ringLimit
        ) throws(MeshError) -> LoadBalancing {
            let path = "ring_hash_lb_config.maximum_ring_size"
            if maximumSize > ringLimit { throw MeshError(path, "must be at most \(ringLimit)") }
            if maximumSize == 0 { throw MeshError(path, "must be more than zero") }
            if minimumSize > maximumSize {
                throw MeshError(
                    "ring_hash_lb_config.minimum_ring_size", "must not exceed maximum_ring_size")
            }
            return .ringHash(minimumSize: minimumSize, maximumSize: maximumSize)
        }
    }

    public enum UpstreamProtocol: Equatable, Sendable {
        case http1
        /// Known beforehand, not negotiated (RFC 9113 §3.3).
        case http2
        /// That of the request (`use_downstream_protocol_config`).
        case downstream
        /// What the handshake of TLS settles upon, HTTP/2 if it can be (`auto_config`).
        case negotiated
    }

    public let name: String
    public let discovery: Discovery
    public let connectTimeout: Duration
    public let loadBalancing: LoadBalancing
    public let circuitBreakers: CircuitBreakers
    public let upstreamProtocol: UpstreamProtocol
    /// For connections on which HTTP/2 is spoken.
    public let http2Options: HTTP2Options
    public let outlierDetection: OutlierDetection?
    /// After that many requests a connection is closed; `nil` is no limit.
    public let maximumRequestsPerConnection: UInt32?
    /// How long a connection without a request is kept; `nil` is for ever.
    public let idleTimeout: Duration?
    /// Below that share of healthy endpoints all are used, in percent; zero never does so.
    public let panicThreshold: Double
    /// `nil` sends bytes as they are.
    public private(set) var security: UpstreamSecurity?

    /// Makes a cluster.
    ///
    /// - Throws: ``MeshError`` when a name is empty, a duration not positive, or a number beyond
    ///   its bounds.
    public init(
        name: String,
        discovery: Discovery,
        connectTimeout: Duration = Cluster.defaultConnectTimeout,
        loadBalancing: LoadBalancing = .roundRobin,
        circuitBreakers: CircuitBreakers = CircuitBreakers(),
        upstreamProtocol: UpstreamProtocol = .http1,
        http2Options: HTTP2Options = .standard,
        outlierDetection: OutlierDetection? = nil,
        maximumRequestsPerConnection: UInt32? = nil,
        idleTimeout: Duration? = .seconds(3600),
        panicThreshold: Double = 50,
        security: UpstreamSecurity? = nil
    ) throws(MeshError) {
        try require(nonEmpty: name, "name")
        if case .eds(let serviceName) = discovery {
            try require(nonEmpty: serviceName, "eds_cluster_config.service_name")
        }
        try require(positive: connectTimeout, "connect_timeout")
        if case .leastRequest(let choices) = loadBalancing, choices < 2 {
            throw MeshError("least_request_lb_config.choice_count", "must be at least 2")
        }
        if maximumRequestsPerConnection == 0 {
            throw MeshError("max_requests_per_connection", "must be more than zero")
        }
        try require(positive: idleTimeout, "idle_timeout")
        if upstreamProtocol == .negotiated, security == nil {
            throw MeshError("auto_config", "needs a transport_socket of TLS")
        }
        if !(0...100).contains(panicThreshold) {
            throw MeshError("common_lb_config.healthy_panic_threshold", "must be 0…100")
        }
        self.name = name
        self.discovery = discovery
        self.connectTimeout = connectTimeout
        self.loadBalancing = loadBalancing
        self.circuitBreakers = circuitBreakers
        self.upstreamProtocol = upstreamProtocol
        self.http2Options = http2Options
        self.outlierDetection = outlierDetection
        self.maximumRequestsPerConnection = maximumRequestsPerConnection
        self.idleTimeout = idleTimeout
        self.panicThreshold = panicThreshold
        self.security = security
    }

    /// The same without keys, to be shown.
    public var redacted: Cluster {
        var copy = self
        copy.security = security?.redacted
        return copy
    }

    /// The name under which EDS has the endpoints; `nil` when the cluster has them itself.
    public var assignmentName: String? {
        switch discovery {
        case .static: nil
        case .eds(let serviceName): serviceName
        }
    }
}

/// How much a cluster is given at the same time:
/// `envoy.config.cluster.v3.CircuitBreakers.Thresholds`.
public struct CircuitBreakers: Equatable, Sendable {
    public let connections: UInt32
    /// Requests that wait for a connection.
    public let pendingRequests: UInt32
    public let requests: UInt32
    public let retries: UInt32

    public init(
        connections: UInt32 = 1024,
        pendingRequests: UInt32 = 1024,
        requests: UInt32 = 1024,
        retries: UInt32 = 3
    ) {
        self.connections = connections
        self.pendingRequests = pendingRequests
        self.requests = requests
        self.retries = retries
    }
}

/// When an endpoint is left out for a while: `envoy.config.cluster.v3.OutlierDetection`.
public struct OutlierDetection: Equatable, Sendable {
    public let consecutiveServerErrors: UInt32
    /// Failures to connect, resets and timeouts, and answers of 502, 503 and 504.
    public let consecutiveGatewayFailures: UInt32
    public let interval: Duration
    /// Times the number of ejections so far.
    public let baseEjectionTime: Duration
    public let maximumEjectionTime: Duration
    /// Most endpoints that are left out at a time, in percent.
    public let maximumEjectionPercent: UInt32
    /// How often an endpoint with too many server errors is really left out, in percent.
    public let enforcingConsecutiveServerErrors: UInt32
    public let enforcingConsecutiveGatewayFailures: UInt32

    /// Makes settings.
    ///
    /// - Throws: ``MeshError`` when a duration is not positive or a percentage is more than 100.
    public init(
        consecutiveServerErrors: UInt32 = 5,
        consecutiveGatewayFailures: UInt32 = 5,
        interval: Duration = .seconds(10),
        baseEjectionTime: Duration = .seconds(30),
        maximumEjectionTime: Duration = .seconds(300),
        maximumEjectionPercent: UInt32 = 10,
        enforcingConsecutiveServerErrors: UInt32 = 100,
        enforcingConsecutiveGatewayFailures: UInt32 = 0
    ) throws(MeshError) {
        try require(positive: interval, "interval")
        try require(positive: baseEjectionTime, "base_ejection_time")
        try require(positive: maximumEjectionTime, "max_ejection_time")
        for (path, percent) in [
            ("max_ejection_percent", maximumEjectionPercent),
            ("enforcing_consecutive_5xx", enforcingConsecutiveServerErrors),
            ("enforcing_consecutive_gateway_failure", enforcingConsecutiveGatewayFailures),
        ] where percent > 100 {
            throw MeshError(path, "must be at most 100")
        }
        self.consecutiveServerErrors = consecutiveServerErrors
        self.consecutiveGatewayFailures = consecutiveGatewayFailures
        self.interval = interval
        self.baseEjectionTime = baseEjectionTime
        self.maximumEjectionTime = max(maximumEjectionTime, baseEjectionTime)
        self.maximumEjectionPercent = maximumEjectionPercent
        self.enforcingConsecutiveServerErrors = enforcingConsecutiveServerErrors
        self.enforcingConsecutiveGatewayFailures = enforcingConsecutiveGatewayFailures
    }
}
