import Telemetry

/// What is counted of the control plane's stream; written on the main loop alone.
final class DiscoveryMetrics: Sendable {
    enum ResourceKind: Int, CaseIterable, Sendable {
        case listeners
        case routes
        case clusters
        case endpoints
        case secrets

        /// As in Envoy's statistics.
        var label: String {
            switch self {
            case .listeners: "lds"
            case .routes: "rds"
            case .clusters: "cds"
            case .endpoints: "eds"
            case .secrets: "sds"
            }
        }
    }

    /// 1 while a stream is open.
    let isConnected = Gauge()
    /// Streams that were tried.
    let connects = Counter()
    /// Streams that could not be opened, or ended.
    let disconnects = Counter()
    /// Configurations that are or were in effect on every worker.
    let applied = Counter()
    /// When the configuration in effect was applied, in the loop's nanoseconds; 0 is never.
    let appliedAt = Gauge()
    private let updates = InlineArray<5, Counter> { _ in Counter() }
    private let rejections = InlineArray<5, Counter> { _ in Counter() }

    init() {}

    /// Counts an answer of the control plane that was acknowledged.
    func countUpdate(of kind: ResourceKind) { updates[kind.rawValue].add() }

    /// Counts an answer that was refused (NACK).
    func countRejection(of kind: ResourceKind) { rejections[kind.rawValue].add() }

    func updateCount(of kind: ResourceKind) -> UInt64 { updates[kind.rawValue].value }

    func rejectionCount(of kind: ResourceKind) -> UInt64 { rejections[kind.rawValue].value }
}
