/// An address where requests or connections arrive, and how they are treated:
/// `envoy.config.listener.v3.Listener` with one HTTP connection manager or one TCP proxy.
public struct Listener: Equatable, Sendable {
    /// Seen from the service beside the proxy (`envoy.config.core.v3.TrafficDirection`).
    public enum Direction: Sendable {
        case unspecified
        case inbound
        case outbound
    }

    public enum Routes: Equatable, Sendable {
        /// From RDS, under that name.
        case discovered(String)
        case inline(RouteConfiguration)
        /// Nothing is understood of what arrives; connections are forwarded as they are.
        case tunnel(TunnelRules)
    }

    /// What clients speak (`codec_type`).
    public enum Codec: Sendable {
        /// HTTP/2 after its preface (RFC 9113 §3.4), else HTTP/1.
        case automatic
        case http1
        case http2
    }

    public let name: String
    /// An address in text, such as `127.0.0.1` or `::`.
    public let host: String
    /// Zero lets the system choose.
    public let port: UInt16
    public let direction: Direction
    public let codec: Codec
    public let http2: HTTP2Options
    public let routes: Routes
    public let limits: ListenerLimits
    public let statPrefix: String
    /// Where the access log is written, `/dev/stdout` for the standard output; `nil` writes none.
    public private(set) var accessLogPath: String?
    /// How connections are secured; those that belong to none are closed.
    public private(set) var chains: [FilterChain]
    /// The protocols that a client may switch to with its request, such as `websocket`, in lower
    /// case (`upgrade_configs`); an `Upgrade` to any other is not forwarded (RFC 9110 §7.8).
    public let upgrades: [String]
    /// Who may ask for what, in their order; each of them has to let a request through.
    public private(set) var accessFilters: [AccessFilter] = []
    /// How long a client may take to begin, where its chain depends on how it does.
    public private(set) var inspection = Inspection.standard
    /// What upstreams are told of clients' certificates.
    public private(set) var certificateForwarding = CertificateForwarding.sanitize
    /// What is done with the path of a request before anything looks at it.
    public private(set) var pathNormalization = PathNormalization.none

    /// Makes a listener.
    ///
    /// - Throws: ``MeshError`` when a name or the host is empty.
    public init(
        name: String,
        host: String,
        port: UInt16,
        direction: Direction = .unspecified,
        codec: Codec = .automatic,
        http2: HTTP2Options = .downstream,
        routes: Routes,
        limits: ListenerLimits = .default,
        statPrefix: String = "http",
        accessLogPath: String? = nil,
        upgrades: [String] = []
    ) throws(MeshError) {
        try require(nonEmpty: name, "name")
        try require(nonEmpty: host, "address.socket_address.address")
        if case .discovered(let name) = routes {
            try require(nonEmpty: name, "rds.route_config_name")
        }
        try require(nonEmpty: statPrefix, "stat_prefix")
        if let accessLogPath { try require(nonEmpty: accessLogPath, "access_log.path") }
        self.name = name
        self.host = host
        self.port = port
        self.direction = direction
        self.codec = codec
        self.http2 = http2
        self.routes = routes
        self.limits = limits
        self.statPrefix = statPrefix
        self.accessLogPath = accessLogPath
        for (index, upgrade) in upgrades.enumerated() {
            try require(nonEmpty: upgrade, "upgrade_configs[\(index)].upgrade_type")
        }
        self.upgrades = upgrades.map { $0.lowercased() }
        chains = .plain
    }

    /// The same behind these chains, of which there has to be one at the least.
    public func secured(by chains: [FilterChain]) -> Listener {
        var copy = self
        copy.chains = chains
        return copy
    }

    /// The same behind these filters.
    ///
    /// - Throws: ``MeshError`` when nothing is understood of what arrives.
    public func guarded(by filters: [AccessFilter]) throws(MeshError) -> Listener {
        if case .tunnel = routes, !filters.isEmpty {
            throw MeshError("http_filters", "must not stand before a TCP proxy")
        }
        var copy = self
        copy.accessFilters = filters
        return copy
    }

    /// The same with an access log at `path`, unless it has one.
    public func logging(to path: String) -> Listener {
        var copy = self
        copy.accessLogPath = accessLogPath ?? path
        return copy
    }

    /// The same that waits so long for what clients begin with.
    public func inspecting(within inspection: Inspection) -> Listener {
        var copy = self
        copy.inspection = inspection
        return copy
    }

    /// The same that tells upstreams of clients' certificates.
    public func forwardingCertificates(by forwarding: CertificateForwarding) -> Listener {
        var copy = self
        copy.certificateForwarding = forwarding
        return copy
    }

    /// The same with paths of requests brought into one form.
    public func normalizingPaths(by normalization: PathNormalization) -> Listener {
        var copy = self
        copy.pathNormalization = normalization
        return copy
    }

    /// The same without keys, to be shown.
    public var redacted: Listener {
        var copy = self
        copy.chains = chains.map(\.redacted)
        return copy
    }

    /// Two listeners with one address, between which the kernel would share connections by chance.
    ///
    /// - Returns: The names of the first two by their names; `nil` when there are none.
    public static func sharingAddress(_ listeners: [Listener]) -> (String, String)? {
        var owners: [String: String] = [:]
        for listener in listeners.sorted(by: { $0.name < $1.name }) where listener.port != 0 {
            if let owner = owners["\(listener.host) \(listener.port)"] {
                return (owner, listener.name)
            }
            owners["\(listener.host) \(listener.port)"] = listener.name
        }
        return nil
    }

    /// The name of the route configuration that RDS has to deliver; `nil` when it is inline.
    public var routeConfigurationName: String? {
        switch routes {
        case .discovered(let name): name
        case .inline, .tunnel: nil
        }
    }

    /// The routes that the listener brings itself; `nil` when RDS has to deliver them.
    public var inlineRoutes: RouteConfiguration? {
        switch routes {
        case .discovered: nil
        case .inline(let configuration): configuration
        case .tunnel(let rules): rules.routes
        }
    }
}

/// Bounds of what a client may do on a listener (`HttpConnectionManager`); `nil` is no limit.
public struct ListenerLimits: Equatable, Sendable {
    public static let `default` = ListenerLimits()

    /// A connection without a request (`common_http_protocol_options.idle_timeout`).
    public let idleTimeout: Duration?
    /// A request or response without a byte (`stream_idle_timeout`).
    public let streamIdleTimeout: Duration?
    /// From the first byte of a request to its last (`request_timeout`).
    public let requestTimeout: Duration?
    /// From the first byte of a request to the end of its head (`request_headers_timeout`).
    public let requestHeadTimeout: Duration?
    /// How long a connection lives (`common_http_protocol_options.max_connection_duration`).
    public let maximumConnectionDuration: Duration?
    /// Most bytes of a head (`max_request_headers_kb`, there in KiB).
    public let maximumHeadByteCount: UInt32
    /// Most fields of a head (`common_http_protocol_options.max_headers_count`).
    public let maximumFieldCount: UInt32

    private init() {
        idleTimeout = .seconds(300)
        streamIdleTimeout = .seconds(300)
        requestTimeout = nil
        requestHeadTimeout = .seconds(10)
        maximumConnectionDuration = nil
        maximumHeadByteCount = 32 << 10
        maximumFieldCount = 100
    }

    /// Makes bounds.
    ///
    /// - Throws: ``MeshError`` when a duration is not positive, or a number is zero or, for the
    ///   size of a head, more than 8 MiB.
    public init(
        idleTimeout: Duration? = .seconds(300),
        streamIdleTimeout: Duration? = .seconds(300),
        requestTimeout: Duration? = nil,
        requestHeadTimeout: Duration? = .seconds(10),
        maximumConnectionDuration: Duration? = nil,
        maximumHeadByteCount: UInt32 = 32 << 10,
        maximumFieldCount: UInt32 = 100
    ) throws(MeshError) {
        try require(positive: idleTimeout, "common_http_protocol_options.idle_timeout")
        try require(positive: streamIdleTimeout, "stream_idle_timeout")
        try require(positive: requestTimeout, "request_timeout")
        try require(positive: requestHeadTimeout, "request_headers_timeout")
        try require(
            positive: maximumConnectionDuration,
            "common_http_protocol_options.max_connection_duration")
        if maximumHeadByteCount == 0 || maximumHeadByteCount > 8 << 20 {
            throw MeshError("max_request_headers_kb", "must be 1…8192")
        }
        if maximumFieldCount == 0 {
            throw MeshError(
                "common_http_protocol_options.max_headers_count", "must be more than zero")
        }
        self.idleTimeout = idleTimeout
        self.streamIdleTimeout = streamIdleTimeout
        self.requestTimeout = requestTimeout
        self.requestHeadTimeout = requestHeadTimeout
        self.maximumConnectionDuration = maximumConnectionDuration
        self.maximumHeadByteCount = maximumHeadByteCount
        self.maximumFieldCount = maximumFieldCount
    }
}
