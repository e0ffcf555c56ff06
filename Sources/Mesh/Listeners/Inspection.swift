/// How long a listener waits for what a client begins with, where its filter chain depends on that:
/// `listener_filters_timeout` and `continue_on_listener_filters_timeout`.
public struct Inspection: Equatable, Sendable {
    public static let defaultTimeout = Duration.seconds(15)
    /// A client that has not begun in time is given up.
    public static let standard = Inspection()

    /// `nil` is no limit.
    public let timeout: Duration?
    /// Whether a client that has not begun in time is taken for one without TLS, which may wait for
    /// the server's first word; else it is given up.
    public let continues: Bool

    private init() {
        timeout = Self.defaultTimeout
        continues = false
    }

    /// Makes rules.
    ///
    /// - Throws: ``MeshError`` when the time is not positive.
    public init(
        timeout: Duration? = Inspection.defaultTimeout, continues: Bool = false
    ) throws(MeshError) {
        try require(positive: timeout, "listener_filters_timeout")
        self.timeout = timeout
        self.continues = continues
    }
}
