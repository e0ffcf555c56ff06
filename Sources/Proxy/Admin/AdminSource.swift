import Balancing
import Mesh
import Telemetry
import XDS

/// What the admin interface shows and moves: the proxy, as seen on the main loop.
protocol AdminSource: AnyObject {
    /// How things stand now.
    var adminState: AdminState { get }

    /// Everything that is counted, collected now.
    var metricsReport: MetricsReport { get }

    /// Asks all workers for what they know of their endpoints.
    ///
    /// - Parameter completion: Called once, on the main loop, now or later, with what was added up
    ///   (``EndpointSummary/merged(_:)``) by the name of the cluster.
    func describeEndpoints(_ completion: @escaping ([String: [EndpointSummary]]) -> Void)

    /// Does what the operator asks for; it is begun when this returns.
    func perform(_ command: AdminCommand)
}

/// What an operator may ask for; each of them is a POST.
enum AdminCommand: Equatable {
    /// `/healthcheck/fail`: not ready any more, and connections end with their next response.
    case failHealthChecks
    /// `/healthcheck/ok`
    case passHealthChecks
    /// `/drain_listeners`: new connections are refused, at once or after the drain time.
    case drainListeners(isGraceful: Bool, inboundOnly: Bool)
    /// `/quitquitquit`
    case quit
    /// `/logging?level=`
    case setLogLevel(LogLevel)
}

/// How the proxy stands at a moment.
struct AdminState {
    /// By Envoy's names.
    enum Phase: String {
        case live = "LIVE"
        case draining = "DRAINING"
        case preInitializing = "PRE_INITIALIZING"
        /// No configuration is in effect yet.
        case initializing = "INITIALIZING"
    }

    /// A listener that accepts connections.
    struct OpenListener {
        let name: String
        let host: String
        /// The one that the system chose, where the configuration left it to it.
        let port: UInt16
    }

    var version: String
    var node: NodeIdentity
    var phase: Phase
    var workerCount: Int
    var uptimeSeconds: UInt64
    /// Names and values as given on the command line or set by default.
    var options: [(name: String, value: String)] = []
    var logLevel = LogLevel.info
    /// The configuration in effect; `nil` before there is one.
    var snapshot: Snapshot?
    /// When it was applied.
    var appliedAt: Timestamp?
    var listeners: [OpenListener] = []
    var limits: [String: ClusterLimits] = [:]
    /// `nil` where the sidecar has no identity of its own.
    var identity: IdentityReport?
    /// The moment, in seconds since 1970.
    var date: Int64 = 0

    /// What is presented and who is trusted; reads files.
    var certificates: CertificateList {
        var list = CertificateList(date: date)
        if let identity { list.add(identity) }
        if let snapshot { list.add(snapshot) }
        return list
    }
}
