import Balancing
import Bytes
import Glibc
import Kernel
import Mesh
import Telemetry
import Testing

@testable import Proxy

private let hasPromtool = unsafe access("/usr/bin/promtool", X_OK) == 0

private func snapshot() throws -> Snapshot {
    let split = try WeightedClusters(entries: [
        .init(name: "reviews/v1", weight: 950_000), .init(name: "reviews/v2", weight: 50_000),
    ])
    let routes = try RouteConfiguration(
        name: "outbound",
        virtualHosts: [
            VirtualHost(
                name: "reviews", domains: [.any],
                routes: [
                    Route(
                        name: "reviews/default", match: RouteMatch(path: .prefix("/")),
                        action: .forward(ForwardAction(destination: .weighted(split))))
                ])
        ])
    return Snapshot(
        routeConfigurations: ["outbound": routes],
        versions: .init(listeners: "12", routes: "v\"7", clusters: "12", endpoints: ""))
}

private func report(_ workers: [WorkerMetrics]) throws -> MetricsReport {
    let discovery = DiscoveryMetrics()
    discovery.isConnected.set(1)
    discovery.countUpdate(of: .routes)
    discovery.countRejection(of: .clusters)
    return MetricsReport(
        summary: MetricsSummary(of: workers), limits: ["reviews/v1": ClusterLimits()],
        discovery: discovery, snapshot: try snapshot(), usage: .current(), version: "1.2.3",
        workerCount: workers.count, uptimeNanoseconds: 1_500_000_000,
        configurationAgeNanoseconds: 250_000_000, isReady: true, droppedLogLineCount: 4)
}

private func busyWorker() -> WorkerMetrics {
    let worker = WorkerMetrics()
    worker.connectionOpened()
    let cluster = worker.cluster("reviews/v2")
    for status in [200, 200, 503, 429, 299] as [UInt16] {
        worker.requestStarted()
        cluster.picks.add()
        cluster.attemptStarted(isRetry: status == 503)
        cluster.attemptEnded(status == 503 ? .timedOut : .answered(status: status))
        cluster.record(status: status, nanoseconds: 2_000_000)
        worker.listener("outbound", direction: .outbound).record(
            status: status, nanoseconds: 2_000_000)
        worker.requestEnded(status == 503 ? [.upstreamConnectFailure, .retryLimitExceeded] : [])
    }
    worker.unroutedResponses.add(404)
    return worker
}

@Suite struct `The metrics of the proxy` {
    @Test func `add up over workers`() throws {
        let text = String(try report([busyWorker(), busyWorker()]).text().bytes)
        let labels = #"direction="outbound",cluster="reviews/v2",service="reviews",version="v2""#
        for line in [
            #"mesh_requests_total{\#(labels),code="200",classification="success"} 4"#,
            #"mesh_requests_total{\#(labels),code="503",classification="failure"} 2"#,
            #"mesh_requests_total{\#(labels),code="429",classification="success"} 2"#,
            #"mesh_requests_total{\#(labels),code="2xx",classification="success"} 2"#,
            #"mesh_request_duration_seconds_bucket{\#(labels),le="0.0025"} 10"#,
            #"mesh_request_duration_seconds_sum{\#(labels)} 0.02"#,
            #"mesh_picks_total{cluster="reviews/v2",service="reviews",version="v2"} 10"#,
            #"mesh_response_flags_total{flag="UF"} 2"#,
            #"mesh_upstream_retries_total{cluster="reviews/v2",service="reviews",version="v2"} 2"#,
            #"mesh_upstream_timeouts_total{cluster="reviews/v2",service="reviews",version="v2"} 2"#,
            #"mesh_response_flags_total{flag="URX"} 2"#,
            "mesh_downstream_active_connections 2", "mesh_downstream_active_requests 0",
            "mesh_downstream_requests_total 10", "mesh_xds_connected 1",
            #"mesh_xds_rejections_total{type="cds"} 1"#, #"mesh_config_revision{type="lds"} 12"#,
            #"mesh_config_info{type="rds",version="v\"7"} 1"#, "mesh_config_age_seconds 0.25",
            #"mesh_route_weight{route="reviews/default",cluster="reviews/v2"} 0.05"#,
            "mesh_access_log_dropped_lines_total 4", "mesh_uptime_seconds 1.5",
            #"mesh_build_info{version="1.2.3"} 1"#,
        ] {
            #expect(text.contains("\n\(line)\n"), "\(line)")
        }
        #expect(!text.contains(#"mesh_config_revision{type="rds"}"#))
    }

    @Test func `have what Flagger asks for by default`() throws {
        let text = String(try report([busyWorker()]).text().bytes)
        let labels = #"{direction="outbound",listener="outbound",status="5xx""#
        #expect(text.contains("http_request_duration_seconds_count\(labels)} 1\n"))
        #expect(text.contains("http_request_duration_seconds_bucket\(labels),le=\"+Inf\"} 1\n"))
    }

    @Test(.enabled(if: hasPromtool)) func `pass the checks of promtool`() throws {
        let text = String(try report([busyWorker(), WorkerMetrics()]).text().bytes)
        let pipe = unsafe popen("/usr/bin/promtool check metrics 2>&1", "w")
        guard let pipe = unsafe pipe else { return }
        unsafe fputs(text, pipe)
        let status = unsafe pclose(pipe)
        #expect(status == 0)
    }

    @Test func `bound the number of series`() {
        let worker = WorkerMetrics()
        for number in 0..<(WorkerMetrics.maximumPartCount + 50) {
            worker.cluster("cluster \(number)").picks.add()
        }
        #expect(worker.cluster("cluster 7").name == "cluster 7")
        let summary = MetricsSummary(of: [worker])
        #expect(summary.clusters.count == WorkerMetrics.maximumPartCount + 1)
        #expect(summary.clusters.first { $0.name == "overflow" }?.picks == 50)
    }

    @Test func `give the place of what is gone to what comes`() {
        let worker = WorkerMetrics()
        for number in 0..<WorkerMetrics.maximumPartCount { _ = worker.cluster("\(number)") }
        worker.cluster("5").picks.add(3)
        for gone in ["5", "6", "5"] { worker.retireCluster(gone) }
        #expect(worker.cluster("5").picks.value == 3)
        #expect(worker.cluster("new").name == "new")
        #expect(worker.cluster("newer").name == "overflow")
        let names = Set(worker.allClusters.map(\.name))
        #expect(names.contains("5"))
        #expect(!names.contains("6"))
    }

    @Test func `keep a status in exactly one series`() {
        var labels: Set<String> = []
        for index in 0..<StatusCounters.count {
            let label = StatusCounters.label(at: index)
            #expect(labels.insert(label).inserted)
            #expect(label.hasPrefix("\(StatusCounters.statusClass(at: index))"))
        }
        for status in UInt16(0)...999 {
            let index = StatusCounters.index(of: status)
            let label = StatusCounters.label(at: index)
            if index >= 5 { #expect(label == "\(status)") }
            let expected = min(max(status / 100, 1), 5)
            #expect(StatusCounters.statusClass(at: index) == Int(expected), "\(status)")
        }
    }

    @Test func `tell service and version of a cluster`() {
        for (name, service, version) in [
            ("reviews/v1", "reviews", "v1"), ("inbound", "inbound", ""), ("a/b/c", "a/b", "c"),
        ] {
            let worker = WorkerMetrics()
            _ = worker.cluster(name)
            let identity = MetricsSummary(of: [worker]).clusters.first?.identity
            #expect(identity?.service == service)
            #expect(identity?.version == version)
        }
    }

    @Test func `know the process`() {
        let usage = ProcessUsage.current()
        #expect(usage.residentByteCount > 1 << 20)
        #expect(usage.virtualByteCount >= usage.residentByteCount)
        #expect(usage.cpuNanoseconds > 0)
        #expect((3..<usage.descriptorLimit).contains(usage.openDescriptorCount))
    }
}
