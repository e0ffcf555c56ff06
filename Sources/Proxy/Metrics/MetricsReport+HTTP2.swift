import HTTP2
import Telemetry

extension MetricsReport {
    /// Adds what is counted of clients that speak HTTP/2; the others speak HTTP/1.
    func appendDownstreamHTTP2(to text: inout MetricsText) {
        text.begin(
            "mesh_downstream_http2_connections_total", .counter,
            help: "Connections from clients that speak HTTP/2.")
        text.sample(summary.http2Connections)
        text.begin(
            "mesh_downstream_http2_active_connections", .gauge,
            help: "Open connections from clients that speak HTTP/2.")
        text.sample(summary.activeHTTP2Connections)
        text.begin(
            "mesh_downstream_http2_requests_total", .counter, help: "Requests in HTTP/2.")
        text.sample(summary.http2Requests)
        text.begin(
            "mesh_downstream_http2_glitches_total", .counter,
            help: "What clients sent that costs work and brings nothing, or breaks the rules.")
        for glitch in summary.glitches {
            text.sample(glitch.count, labels: [MetricLabel("kind", glitch.kind)])
        }
        text.begin(
            "mesh_downstream_http2_floods_total", .counter,
            help: "Connections that were ended because a client did too much of it.")
        for glitch in summary.glitches where glitch.floods > 0 {
            text.sample(glitch.floods, labels: [MetricLabel("kind", glitch.kind)])
        }
    }
}

extension Glitch {
    var label: String {
        switch self {
        case .ping: "ping"
        case .settings: "settings"
        case .priority: "priority"
        case .windowUpdate: "window_update"
        case .emptyData: "empty_data"
        case .unknownFrame: "unknown_frame"
        case .goAway: "goaway"
        case .informational: "informational"
        case .resetReceived: "reset_received"
        case .resetSent: "reset_sent"
        case .invalidFrame: "invalid_frame"
        case .oversizedHead: "oversized_head"
        case .continuation: "continuation"
        case .malformedMessage: "malformed_message"
        case .connectionError: "connection_error"
        }
    }
}
