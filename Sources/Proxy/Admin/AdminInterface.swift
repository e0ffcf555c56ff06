import Balancing
import Mesh
import RegularExpressions
import Telemetry

/// Answers what an operator asks of the running proxy, at the paths and in the formats of Envoy.
///
/// It knows nothing of sockets: a request comes in as a value and goes out as one. Whatever
/// changes something is a POST, and never one that a page in a browser sends.
final class AdminInterface {
    private unowned let source: any AdminSource

    init(_ source: any AdminSource) {
        self.source = source
    }

    private enum Endpoint: String, CaseIterable {
        case certificates = "/certs"
        case clusters = "/clusters"
        case configDump = "/config_dump"
        case drainListeners = "/drain_listeners"
        case healthCheckFail = "/healthcheck/fail"
        case healthCheckOK = "/healthcheck/ok"
        case help = "/help"
        case listeners = "/listeners"
        case logging = "/logging"
        case metrics = "/metrics"
        case quit = "/quitquitquit"
        case ready = "/ready"
        case serverInfo = "/server_info"
        case stats = "/stats"
        case statsPrometheus = "/stats/prometheus"

        var changesSomething: Bool {
            switch self {
            case .drainListeners, .healthCheckFail, .healthCheckOK, .logging, .quit: true
            case .certificates, .clusters, .configDump, .help, .listeners, .metrics, .ready,
                .serverInfo, .stats,
                .statsPrometheus:
                false
            }
        }

        var summary: String {
            switch self {
            case .certificates: "print certificates that are presented or trusted"
            case .clusters: "upstream cluster status (?format=json)"
            case .configDump:
                "dump the configuration in effect (?include_eds, ?resource=, ?name_regex=)"
            case .drainListeners: "drain listeners (POST; ?graceful, ?inboundonly)"
            case .healthCheckFail: "cause the proxy to fail health checks (POST)"
            case .healthCheckOK: "cause the proxy to pass health checks (POST)"
            case .help: "print out list of admin commands"
            case .listeners: "print listener info (?format=json)"
            case .logging: "query or change the log level (POST; ?level=)"
            case .metrics: "the same as /stats/prometheus"
            case .quit: "exit the proxy (POST)"
            case .ready: "print server state, return 200 if LIVE, otherwise return 503"
            case .serverInfo: "print server version and status information"
            case .stats: "print server stats (?format=json|prometheus, ?filter=, ?usedonly)"
            case .statsPrometheus: "print server stats in Prometheus format"
            }
        }
    }

    /// Answers `request`.
    ///
    /// - Parameters:
    ///   - request: Whatever it asks for.
    ///   - reply: Called once, on the main loop: now, or when the workers have answered.
    func handle(_ request: AdminRequest, reply: @escaping (AdminResponse) -> Void) {
        let path = request.path == "/" ? Endpoint.help.rawValue : request.path
        guard let endpoint = Endpoint(rawValue: path) else {
            reply(AdminResponse(status: 404, text: "invalid path. " + Self.help))
            return
        }
        if let refusal = refusal(of: request, at: endpoint) {
            reply(refusal)
            return
        }
        if endpoint == .clusters {
            let state = source.adminState
            source.describeEndpoints { endpoints in
                reply(ClusterStatus(state: state, endpoints: endpoints).response(to: request))
            }
        } else {
            reply(answer(request, at: endpoint))
        }
    }

    private func refusal(of request: AdminRequest, at endpoint: Endpoint) -> AdminResponse? {
        if endpoint.changesSomething {
            if request.method != "POST" {
                var response = AdminResponse(
                    status: 405, text: "Method \(request.method) not allowed, POST required.\n")
                response.allow = "POST"
                return response
            }
            if request.hasOrigin {
                return AdminResponse(status: 403, text: "Not from a page in a browser.\n")
            }
        } else if request.method != "GET", request.method != "HEAD" {
            var response = AdminResponse(
                status: 405, text: "Method \(request.method) not allowed, GET required.\n")
            response.allow = "GET, HEAD"
            return response
        }
        return nil
    }

    private func answer(_ request: AdminRequest, at endpoint: Endpoint) -> AdminResponse {
        switch endpoint {
        case .certificates: return AdminResponse(source.adminState.certificates.json)
        case .clusters, .help: return AdminResponse(text: Self.help)
        case .configDump: return ConfigurationDump(state: source.adminState).response(to: request)
        case .listeners: return listeners(request)
        case .ready: return ready()
        case .serverInfo: return AdminResponse(source.adminState.serverInfo)
        case .stats: return stats(request)
        case .metrics, .statsPrometheus: return prometheus()
        case .logging: return logging(request)
        case .healthCheckFail:
            source.perform(.failHealthChecks)
            return .done
        case .healthCheckOK:
            source.perform(.passHealthChecks)
            return .done
        case .drainListeners:
            source.perform(
                .drainListeners(
                    isGraceful: request.has("graceful"), inboundOnly: request.has("inboundonly")))
            return .done
        case .quit:
            source.perform(.quit)
            return .done
        }
    }

    private func ready() -> AdminResponse {
        let state = source.adminState
        let isReady = state.phase == .live && state.identity?.isUsable ?? true
        let warning = state.identity?.warning.map { $0.onOneLine + "\n" } ?? ""
        return AdminResponse(
            status: isReady ? 200 : 503, text: state.phase.rawValue + "\n" + warning)
    }

    private func listeners(_ request: AdminRequest) -> AdminResponse {
        let listeners = source.adminState.listeners.sorted { $0.name < $1.name }
        if request.wantsJSON {
            return AdminResponse(
                .object([
                    (
                        "listener_statuses",
                        .array(
                            listeners.map { listener in
                                .object([
                                    ("name", .string(listener.name)),
                                    (
                                        "local_address",
                                        .socketAddress(listener.host, listener.port)
                                    ),
                                ])
                            })
                    )
                ]))
        }
        let lines = listeners.map { listener in
            "\(listener.name.onOneLine)::\(hostAndPort(listener.host, listener.port))\n"
        }
        return AdminResponse(text: lines.joined())
    }

    private func prometheus() -> AdminResponse {
        let text = source.metricsReport.text()
        return AdminResponse(contentType: MetricsText.contentType, text.bytes)
    }

    private func stats(_ request: AdminRequest) -> AdminResponse {
        if request["format"] == "prometheus" { return prometheus() }
        var pattern: RegularExpression?
        if let filter = request["filter"] {
            do throws(RegularExpressionError) {
                pattern = try RegularExpression("(?s).*(?:\(filter)).*")
            } catch {
                return AdminResponse(status: 400, text: "Invalid re2 regex: \(error)\n")
            }
        }
        let usedOnly = request.has("usedonly")
        let stats = source.metricsReport.stats.filter { name, value in
            if usedOnly, value == 0 { return false }
            return pattern?.matches(name.utf8.span) ?? true
        }
        if request.wantsJSON {
            let entries = stats.map { name, value in
                JSONValue.object([("name", .string(name)), ("value", .integer(value))])
            }
            return AdminResponse(.object([("stats", .array(entries))]))
        }
        return AdminResponse(text: stats.map { "\($0.onOneLine): \($1)\n" }.joined())
    }

    private func logging(_ request: AdminRequest) -> AdminResponse {
        if let name = request["level"] {
            guard let level = LogLevel(rawValue: name) else {
                let names = LogLevel.allCases.map(\.rawValue).joined(separator: ", ")
                return AdminResponse(
                    status: 400, text: "error: unknown logger level, known are: \(names)\n")
            }
            source.perform(.setLogLevel(level))
        }
        let level = source.adminState.logLevel
        return AdminResponse(text: "active loggers:\n  pointsman: \(level.rawValue)\n")
    }

    private static var help: String {
        let lines = Endpoint.allCases.map { "  \($0.rawValue): \($0.summary)\n" }
        return "admin commands are:\n" + lines.joined()
    }
}

func hostAndPort(_ host: String, _ port: UInt16) -> String {
    host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
}

extension JSONValue {
    static func socketAddress(_ host: String, _ port: UInt16) -> JSONValue {
        .object([
            (
                "socket_address",
                .object([("address", .string(host)), ("port_value", .number(UInt64(port)))])
            )
        ])
    }
}
