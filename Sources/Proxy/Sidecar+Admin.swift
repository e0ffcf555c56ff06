import Balancing
import EventLoop
import Kernel
import Mesh
import Telemetry
import XDS

/// What the admin interface sees of the sidecar.
extension Sidecar: AdminSource {
    var adminState: AdminState {
        AdminState(
            version: SidecarSettings.version, node: settings.bootstrap.node,
            phase: adminPhase, workerCount: settings.workerCount,
            uptimeSeconds: loop.now.nanoseconds(since: startedAt) / 1_000_000_000,
            options: settings.shown, logLevel: log.level,
            snapshot: isConfigured ? dataPlane.snapshot : nil,
            appliedAt: isConfigured ? appliedAt : nil,
            listeners: dataPlane.addresses.map { name, address in
                AdminState.OpenListener(name: name, host: address.hostText, port: address.port)
            },
            limits: dataPlane.limits, identity: identity?.summary,
            date: Int64(clamping: WallClock.nanosecondsSinceEpoch() / 1_000_000_000))
    }

    var metricsReport: MetricsReport {
        let age = discoveryMetrics.appliedAt.value
        let identity = identity?.summary
        return MetricsReport(
            summary: MetricsSummary(of: dataPlane.metrics), limits: dataPlane.limits,
            discovery: discoveryMetrics, snapshot: isConfigured ? dataPlane.snapshot : nil,
            usage: .current(), version: SidecarSettings.version,
            workerCount: settings.workerCount,
            uptimeNanoseconds: Instant.now().nanoseconds(since: startedAt),
            configurationAgeNanoseconds: isConfigured
                ? loop.now.nanoseconds(since: Instant(nanoseconds: UInt64(age))) : nil,
            isReady: adminPhase == .live && identity?.isUsable ?? true,
            droppedLogLineCount: dataPlane.droppedLogLineCount,
            expiries: dataPlane.security.expiries, identity: identity)
    }

    func describeEndpoints(_ completion: @escaping ([String: [EndpointSummary]]) -> Void) {
        dataPlane.describe(completion: completion)
    }

    func perform(_ command: AdminCommand) {
        obey(command)
    }

    private var isConfigured: Bool {
        if case .initializing = phase { false } else { discoveryMetrics.applied.value > 0 }
    }

    private var appliedAt: Timestamp {
        let age = loop.now.nanoseconds(
            since: Instant(nanoseconds: UInt64(discoveryMetrics.appliedAt.value)))
        let now = WallClock.nanosecondsSinceEpoch()
        return Timestamp(unixMilliseconds: (now - min(age, now)) / 1_000_000)
    }

    private var adminPhase: AdminState.Phase {
        switch phase {
        case .initializing: .initializing
        case .live: .live
        case .unhealthy, .draining: .draining
        }
    }
}

extension SidecarSettings {
    /// The version of the program.
    public static let version = "0.1.0"

    /// What the command line asked for, or the default.
    var shown: [(name: String, value: String)] {
        [
            ("concurrency", "\(workerCount)"),
            ("drain_time_s", "\(drainTime.components.seconds)"),
            ("state_dir", stateFolder ?? ""),
            ("service_cluster", bootstrap.node.cluster),
            ("service_node", bootstrap.node.id),
        ]
    }
}
