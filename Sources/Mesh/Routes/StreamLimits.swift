/// How long a request may take with everything, from its first byte to the last of its response:
/// `envoy.config.route.v3.RouteAction.MaxStreamDuration`.
public struct StreamLimits: Equatable, Sendable {
    /// What is made of the field `grpc-timeout`, by which a client says how long it waits.
    public enum GRPCTimeout: Equatable, Sendable {
        /// It is passed on, and that is all.
        case ignored
        /// It goes before ``StreamLimits/duration``; `maximum` bounds it, `nil` leaves it as it
        /// is, and `margin` is taken off, so that the client does not give up first.
        case honoured(maximum: Duration?, margin: Duration)
    }

    public static let none = StreamLimits()

    /// `nil` is no limit.
    public let duration: Duration?
    public let grpcTimeout: GRPCTimeout
    /// Whether a gRPC request has no limit but these, as with `max_grpc_timeout`: not the route's
    /// timeout either.
    public let replacesTimeout: Bool

    private init() {
        duration = nil
        grpcTimeout = .ignored
        replacesTimeout = false
    }

    /// Makes limits.
    ///
    /// - Throws: ``MeshError`` when a duration is not positive, or the margin negative.
    public init(
        duration: Duration? = nil, grpcTimeout: GRPCTimeout = .ignored,
        replacesTimeout: Bool = false
    ) throws(MeshError) {
        try require(positive: duration, "max_stream_duration")
        if case .honoured(let maximum, let margin) = grpcTimeout {
            try require(positive: maximum, "grpc_timeout_header_max")
            if margin < .zero {
                throw MeshError("grpc_timeout_header_offset", "must not be negative")
            }
        }
        self.duration = duration
        self.grpcTimeout = grpcTimeout
        self.replacesTimeout = replacesTimeout
    }
}
