import Mesh
import SwiftProtobuf

extension ResourceDecoder {
    mutating func cluster(_ message: Proto.Cluster) throws(MeshError) -> Cluster {
        try refuseUnsupported(message)
        let upstream = try upstreamOptions(of: message)
        let cluster = try Cluster(
            name: message.name,
            discovery: try discovery(of: message),
            connectTimeout: message.hasConnectTimeout
                ? try message.connectTimeout.value("connect_timeout")
                : Cluster.defaultConnectTimeout,
            loadBalancing: try loadBalancing(of: message),
            circuitBreakers: try circuitBreakers(message.circuitBreakers),
            upstreamProtocol: upstream.protocol,
            http2Options: upstream.http2Options,
            outlierDetection: message.hasOutlierDetection
                ? try MeshError.at("outlier_detection") { () throws(MeshError) in
                    try outlierDetection(message.outlierDetection)
                } : nil,
            maximumRequestsPerConnection: upstream.maximumRequestsPerConnection,
            idleTimeout: upstream.idleTimeout,
            panicThreshold: message.commonLbConfig.hasHealthyPanicThreshold
                ? message.commonLbConfig.healthyPanicThreshold.value : 50,
            security: message.hasTransportSocket
                ? try MeshError.at("transport_socket") { () throws(MeshError) in
                    try upstreamSecurity(message.transportSocket)
                } : nil)
        try noteUnknownFields(of: message)
        return cluster
    }

    private func refuseUnsupported(_ message: Proto.Cluster) throws(MeshError) {
        try refuse(message.hasTransportSocketMatcher, "transport_socket_matcher")
        try refuse(!message.transportSocketMatches.isEmpty, "transport_socket_matches")
        try refuse(!message.filters.isEmpty, "filters")
        try refuse(message.hasLoadBalancingPolicy, "load_balancing_policy")
        try refuse(message.hasLbSubsetConfig, "lb_subset_config")
    }

    private mutating func discovery(
        of message: Proto.Cluster
    ) throws(MeshError) -> Cluster.Discovery {
        let type: Proto.Cluster.DiscoveryType
        switch message.clusterDiscoveryType {
        case .type(let value): type = value
        case .clusterType: throw MeshError("cluster_type", "is not supported")
        case nil: type = .static
        }
        switch type {
        case .eds:
            try message.edsClusterConfig.edsConfig.requireAggregated(
                "eds_cluster_config.eds_config")
            let serviceName = message.edsClusterConfig.serviceName
            return .eds(serviceName: serviceName.isEmpty ? message.name : serviceName)
        // Names are not resolved, but a cluster whose hosts are addresses needs no resolver.
        case .static, .strictDns, .logicalDns:
            guard message.hasLoadAssignment else {
                throw MeshError("load_assignment", "is missing")
            }
            return .static(
                try MeshError.at("load_assignment") { () throws(MeshError) in
                    var assignment = message.loadAssignment
                    // Its name is free in a cluster, and often left out.
                    if assignment.clusterName.isEmpty { assignment.clusterName = message.name }
                    return try endpointAssignment(assignment, isNested: true)
                })
        case .originalDst: throw MeshError("type", "ORIGINAL_DST is not supported")
        case .UNRECOGNIZED(let number): throw MeshError("type", "\(number) is not a known value")
        }
    }

    private func loadBalancing(
        of message: Proto.Cluster
    ) throws(MeshError) -> Cluster.LoadBalancing {
        switch message.lbPolicy {
        case .roundRobin: return .roundRobin
        case .random: return .random
        case .leastRequest:
            let settings = message.leastRequestLbConfig
            return .leastRequest(choices: settings.hasChoiceCount ? settings.choiceCount.value : 2)
        case .ringHash:
            let settings = message.ringHashLbConfig
            try refuse(settings.hashFunction != .xxHash, "ring_hash_lb_config.hash_function")
            return try .ringHash(
                checkingMinimumSize: settings.hasMinimumRingSize
                    ? settings.minimumRingSize.value : 1024,
                maximumSize: settings.hasMaximumRingSize
                    ? settings.maximumRingSize.value : Cluster.LoadBalancing.ringLimit)
        case .maglev, .clusterProvided, .loadBalancingPolicyConfig:
            throw MeshError("lb_policy", "\(message.lbPolicy) is not supported")
        case .UNRECOGNIZED(let number):
            throw MeshError("lb_policy", "\(number) is not a known value")
        }
    }

    fileprivate struct UpstreamOptions {
        var `protocol` = Cluster.UpstreamProtocol.http1
        var http2Options = HTTP2Options.standard
        var maximumRequestsPerConnection: UInt32?
        var idleTimeout: Duration? = .seconds(3600)
    }

    /// What the extension says, or what deprecated fields of the cluster say without it.
    private mutating func upstreamOptions(
        of message: Proto.Cluster
    ) throws(MeshError) -> UpstreamOptions {
        var options = UpstreamOptions()
        if message.hasHTTP2ProtocolOptions {
            options.protocol = .http2
            options.http2Options = try http2Options(
                message.http2ProtocolOptions, "http2_protocol_options")
        }
        if message.hasMaxRequestsPerConnection, message.maxRequestsPerConnection.value > 0 {
            options.maximumRequestsPerConnection = message.maxRequestsPerConnection.value
        }
        try options.apply(message.commonHTTPProtocolOptions, "common_http_protocol_options")
        for (name, any) in message.typedExtensionProtocolOptions.sorted(by: { $0.key < $1.key }) {
            try MeshError.at("typed_extension_protocol_options[\"\(name)\"]") {
                () throws(MeshError) in
                guard name == Proto.UpstreamOptions.protoMessageName,
                    let message = try unpack(any, as: Proto.UpstreamOptions.self)
                else { throw MeshError("", "\(any.typeURL) is not supported") }
                try refuse(!message.httpFilters.isEmpty, "http_filters")
                try options.apply(
                    message.commonHTTPProtocolOptions, "common_http_protocol_options")
                (options.protocol, options.http2Options) = try upstreamProtocol(message)
                try noteUnknownFields(of: message)
            }
        }
        return options
    }

    private func upstreamProtocol(
        _ message: Proto.UpstreamOptions
    ) throws(MeshError) -> (Cluster.UpstreamProtocol, HTTP2Options) {
        switch message.upstreamProtocolOptions {
        case .explicitHTTPConfig(let explicit):
            switch explicit.protocolConfig {
            case .httpProtocolOptions: return (.http1, .standard)
            case .http2ProtocolOptions(let message):
                let path = "explicit_http_config.http2_protocol_options"
                return (.http2, try http2Options(message, path))
            case .http3ProtocolOptions:
                throw MeshError("explicit_http_config.http3_protocol_options", "is not supported")
            case nil: throw MeshError("explicit_http_config", "names no protocol")
            }
        case .useDownstreamProtocolConfig(let config):
            let path = "use_downstream_protocol_config"
            try refuse(config.hasHTTP3ProtocolOptions, path + ".http3_protocol_options")
            return (
                .downstream,
                try http2Options(config.http2ProtocolOptions, path + ".http2_protocol_options")
            )
        case .autoConfig(let config):
            try refuse(config.hasHTTP3ProtocolOptions, "auto_config.http3_protocol_options")
            return (
                .negotiated,
                try http2Options(config.http2ProtocolOptions, "auto_config.http2_protocol_options")
            )
        case nil: throw MeshError("explicit_http_config", "is missing")
        }
    }

    func http2Options(
        _ message: Proto.HTTP2Options, _ path: String, standard: HTTP2Options = .standard
    ) throws(MeshError) -> HTTP2Options {
        try MeshError.at(path) { () throws(MeshError) in
            try HTTP2Options(
                concurrentStreamCount: message.hasMaxConcurrentStreams
                    ? message.maxConcurrentStreams.value : nil,
                streamWindowByteCount: message.hasInitialStreamWindowSize
                    ? message.initialStreamWindowSize.value : nil,
                connectionWindowByteCount: message.hasInitialConnectionWindowSize
                    ? message.initialConnectionWindowSize.value : nil,
                keepAlive: message.hasConnectionKeepalive
                    ? try keepAlive(message.connectionKeepalive) : nil,
                allowsConnect: message.allowConnect,
                standard: standard)
        }
    }

    private func keepAlive(
        _ message: Proto.KeepAliveSettings
    ) throws(MeshError) -> HTTP2Options.KeepAlive {
        try MeshError.at("connection_keepalive") { () throws(MeshError) in
            try HTTP2Options.KeepAlive(
                interval: try message.interval.value("interval"),
                timeout: try message.timeout.value("timeout"))
        }
    }

    private func circuitBreakers(
        _ message: Proto.CircuitBreakers
    ) throws(MeshError) -> CircuitBreakers {
        // No request has another priority, since routes that ask for one are refused.
        guard let thresholds = message.thresholds.first(where: { $0.priority == .default }) else {
            return CircuitBreakers()
        }
        let standard = CircuitBreakers()
        func value(_ isSet: Bool, _ number: Proto.UInt32Value, _ otherwise: UInt32) -> UInt32 {
            isSet ? number.value : otherwise
        }
        return CircuitBreakers(
            connections: value(
                thresholds.hasMaxConnections, thresholds.maxConnections, standard.connections),
            pendingRequests: value(
                thresholds.hasMaxPendingRequests, thresholds.maxPendingRequests,
                standard.pendingRequests),
            requests: value(thresholds.hasMaxRequests, thresholds.maxRequests, standard.requests),
            retries: value(thresholds.hasMaxRetries, thresholds.maxRetries, standard.retries))
    }

    private func outlierDetection(
        _ message: Proto.OutlierDetection
    ) throws(MeshError) -> OutlierDetection {
        func count(_ isSet: Bool, _ number: Proto.UInt32Value, _ otherwise: UInt32) -> UInt32 {
            isSet ? number.value : otherwise
        }
        return try OutlierDetection(
            consecutiveServerErrors: count(
                message.hasConsecutive5Xx, message.consecutive5Xx, 5),
            consecutiveGatewayFailures: count(
                message.hasConsecutiveGatewayFailure, message.consecutiveGatewayFailure, 5),
            interval: message.hasInterval ? try message.interval.value("interval") : .seconds(10),
            baseEjectionTime: message.hasBaseEjectionTime
                ? try message.baseEjectionTime.value("base_ejection_time") : .seconds(30),
            maximumEjectionTime: message.hasMaxEjectionTime
                ? try message.maxEjectionTime.value("max_ejection_time") : .seconds(300),
            maximumEjectionPercent: count(
                message.hasMaxEjectionPercent, message.maxEjectionPercent, 10),
            enforcingConsecutiveServerErrors: count(
                message.hasEnforcingConsecutive5Xx, message.enforcingConsecutive5Xx, 100),
            enforcingConsecutiveGatewayFailures: count(
                message.hasEnforcingConsecutiveGatewayFailure,
                message.enforcingConsecutiveGatewayFailure, 0))
    }
}

extension ResourceDecoder.UpstreamOptions {
    fileprivate mutating func apply(
        _ message: Proto.CommonHTTPOptions, _ path: String
    ) throws(MeshError) {
        try refuse(message.hasMaxHeadersCount, path + ".max_headers_count")
        try refuse(message.hasMaxConnectionDuration, path + ".max_connection_duration")
        try refuse(message.hasMaxStreamDuration, path + ".max_stream_duration")
        if message.hasIdleTimeout {
            idleTimeout = try message.idleTimeout.limit(path + ".idle_timeout")
        }
        if message.hasMaxRequestsPerConnection, message.maxRequestsPerConnection.value > 0 {
            maximumRequestsPerConnection = message.maxRequestsPerConnection.value
        }
    }
}
