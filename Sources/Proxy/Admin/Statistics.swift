import Balancing
import Kernel
import Telemetry

extension MetricsReport {
    /// Counters and gauges by Envoy's names, in their order.
    var stats: [(name: String, value: Int64)] {
        var stats: [(name: String, value: Int64)] = []
        for cluster in summary.clusters { stats += cluster.stats }
        for (name, limits) in limits { stats += limits.stats(of: name) }
        for listener in summary.listeners { stats += listener.stats }
        stats += [
            ("http.downstream_cx_active", summary.activeConnections),
            ("http.downstream_cx_total", Int64(clamping: summary.connections)),
            ("http.downstream_cx_protocol_error", Int64(clamping: summary.protocolErrors)),
            ("http.downstream_rq_active", summary.activeRequests),
            ("http.downstream_rq_total", Int64(clamping: summary.requests)),
            ("http.no_route", Int64(clamping: summary.unroutedResponses.total)),
            ("control_plane.connected_state", discovery.isConnected.value),
            ("server.concurrency", Int64(workerCount)),
            ("server.live", isReady ? 1 : 0),
            ("server.memory_physical_size", Int64(clamping: usage.residentByteCount)),
            ("server.uptime", Int64(clamping: uptimeNanoseconds / 1_000_000_000)),
            ("access_log.dropped_lines", Int64(clamping: droppedLogLineCount)),
        ]
        for kind in DiscoveryMetrics.ResourceKind.allCases {
            stats.append(
                (
                    "xds.\(kind.label).update_success",
                    Int64(clamping: discovery.updateCount(of: kind))
                )
            )
            stats.append(
                (
                    "xds.\(kind.label).update_rejected",
                    Int64(clamping: discovery.rejectionCount(of: kind))
                ))
        }
        return stats.sorted { $0.name < $1.name }
    }
}

extension MetricsSummary.Cluster {
    fileprivate var stats: [(name: String, value: Int64)] {
        let prefix = "cluster.\(name)."
        var stats: [(name: String, value: Int64)] = [
            (prefix + "upstream_cx_active", activeConnections),
            (prefix + "upstream_cx_connect_fail", Int64(clamping: connectFailures)),
            (prefix + "upstream_cx_rx_bytes_total", Int64(clamping: bytesSent)),
            (prefix + "upstream_cx_total", Int64(clamping: connections)),
            (prefix + "upstream_cx_tx_bytes_total", Int64(clamping: bytesReceived)),
            (prefix + "upstream_rq_active", activeRequests),
            (prefix + "upstream_rq_completed", Int64(clamping: responses.total)),
            (prefix + "upstream_rq_retry", Int64(clamping: retries)),
            (prefix + "upstream_rq_rx_reset", Int64(clamping: resets)),
            (prefix + "upstream_rq_timeout", Int64(clamping: timeouts)),
            (prefix + "upstream_rq_total", Int64(clamping: attempts)),
        ]
        for statusClass in 1...5 {
            let total = responses.total(ofClass: statusClass)
            if total > 0 {
                stats.append(
                    (prefix + "upstream_rq_\(statusClass)xx", Int64(clamping: total)))
            }
        }
        for entry in responses.nonZero where !entry.code.hasSuffix("xx") {
            stats.append((prefix + "upstream_rq_\(entry.code)", Int64(clamping: entry.count)))
        }
        return stats
    }
}

extension MetricsSummary.Listener {
    fileprivate var stats: [(name: String, value: Int64)] {
        durations.indices.map { index in
            (
                "listener.\(name).http.downstream_rq_\(index + 1)xx",
                Int64(clamping: durations[index].count)
            )
        }
    }
}

extension ClusterLimits {
    fileprivate func stats(of name: String) -> [(name: String, value: Int64)] {
        let prefix = "cluster.\(name)."
        return [
            (prefix + "upstream_cx_overflow", Int64(clamping: overflowCount(.connections))),
            (
                prefix + "upstream_rq_pending_overflow",
                Int64(clamping: overflowCount(.pendingRequests))
            ),
            (prefix + "upstream_rq_pending_active", Int64(activeCount(.pendingRequests))),
            (prefix + "upstream_rq_overflow", Int64(clamping: overflowCount(.requests))),
            (prefix + "upstream_rq_retry_overflow", Int64(clamping: overflowCount(.retries))),
        ]
    }
}
