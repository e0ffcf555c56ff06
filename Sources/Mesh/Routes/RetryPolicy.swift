/// When a request is sent again: `envoy.config.route.v3.RetryPolicy`.
public struct RetryPolicy: Equatable, Sendable {
    /// What to retry on; the names are those of `retry_on`.
    public struct Conditions: OptionSet, Hashable, Sendable {
        public let rawValue: UInt32
        public init(rawValue: UInt32) { self.rawValue = rawValue }

        public static let serverError = Conditions(rawValue: 1 << 0)
        public static let gatewayError = Conditions(rawValue: 1 << 1)
        public static let reset = Conditions(rawValue: 1 << 2)
        public static let connectFailure = Conditions(rawValue: 1 << 3)
        public static let refusedStream = Conditions(rawValue: 1 << 4)
        public static let retriableClientError = Conditions(rawValue: 1 << 5)
        public static let retriableStatusCodes = Conditions(rawValue: 1 << 6)
        public static let resetBeforeRequest = Conditions(rawValue: 1 << 7)
        public static let grpcCancelled = Conditions(rawValue: 1 << 8)
        public static let grpcDeadlineExceeded = Conditions(rawValue: 1 << 9)
        public static let grpcInternal = Conditions(rawValue: 1 << 10)
        public static let grpcResourceExhausted = Conditions(rawValue: 1 << 11)
        public static let grpcUnavailable = Conditions(rawValue: 1 << 12)

        /// All that look at `grpc-status`.
        public static let grpc: Conditions = [
            .grpcCancelled, .grpcDeadlineExceeded, .grpcInternal, .grpcResourceExhausted,
            .grpcUnavailable,
        ]

        /// Reads a list separated by commas, as in `retry_on`.
        ///
        /// - Throws: ``MeshError`` when a word is not known.
        public init(parsing text: String) throws(MeshError) {
            self = []
            for word in text.split(separator: ",") {
                let word = word.drop { $0 == " " }
                let trimmed = String(word.prefix { $0 != " " })
                guard let condition = Self.named.first(where: { $0.key == trimmed })?.value else {
                    throw MeshError("retry_on", "\"\(trimmed)\" is not supported")
                }
                formUnion(condition)
            }
        }

        /// The words that ``init(parsing:)`` reads, in the order in which ``names`` has them.
        private static let named: KeyValuePairs<String, Conditions> = [
            "5xx": .serverError, "gateway-error": .gatewayError, "reset": .reset,
            "connect-failure": .connectFailure, "refused-stream": .refusedStream,
            "retriable-4xx": .retriableClientError,
            "retriable-status-codes": .retriableStatusCodes,
            "reset-before-request": .resetBeforeRequest, "cancelled": .grpcCancelled,
            "deadline-exceeded": .grpcDeadlineExceeded, "internal": .grpcInternal,
            "resource-exhausted": .grpcResourceExhausted, "unavailable": .grpcUnavailable,
        ]

        /// The conditions as `retry_on` lists them.
        public var names: [String] { Self.named.filter { contains($0.value) }.map(\.key) }
    }

    public let conditions: Conditions
    /// How often at the most a request is sent again.
    public let retryCount: UInt32
    /// For one attempt; `nil` is no limit but the route's.
    public let perTryTimeout: Duration?
    public let retriableStatusCodes: [UInt16]
    /// The first pause is at random within this, and twice as much with every further attempt.
    public let baseInterval: Duration
    /// The longest pause.
    public let maximumInterval: Duration

    /// Makes a policy; without a `maximumInterval` it is ten times `baseInterval`.
    ///
    /// - Throws: ``MeshError`` when a duration is not positive, the longest interval is shorter
    ///   than the first, or a status code is not 100…599.
    public init(
        conditions: Conditions,
        retryCount: UInt32 = 1,
        perTryTimeout: Duration? = nil,
        retriableStatusCodes: [UInt16] = [],
        baseInterval: Duration = .milliseconds(25),
        maximumInterval: Duration? = nil
    ) throws(MeshError) {
        try require(positive: perTryTimeout, "per_try_timeout")
        try require(positive: baseInterval, "retry_back_off.base_interval")
        let maximumInterval = maximumInterval ?? baseInterval * 10
        if maximumInterval < baseInterval {
            throw MeshError("retry_back_off.max_interval", "must not be less than base_interval")
        }
        for (index, code) in retriableStatusCodes.enumerated() where !(100..<600).contains(code) {
            throw MeshError("retriable_status_codes[\(index)]", "must be 100…599")
        }
        self.conditions = conditions
        self.retryCount = retryCount
        self.perTryTimeout = perTryTimeout
        self.retriableStatusCodes = retriableStatusCodes
        self.baseInterval = baseInterval
        self.maximumInterval = maximumInterval
    }
}
