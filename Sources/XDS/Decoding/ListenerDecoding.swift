import Mesh
import SwiftProtobuf

extension ResourceDecoder {
    mutating func listener(_ message: Proto.Listener) throws(MeshError) -> Listener {
        try refuse(message.hasApiListener, "api_listener")
        try refuse(message.useOriginalDst.value, "use_original_dst")
        try refuse(message.transparent.value, "transparent")
        try refuse(message.hasUdpListenerConfig, "udp_listener_config")
        try refuse(message.listenerSpecifier != nil, "internal_listener")
        try refuse(message.hasFilterChainMatcher, "filter_chain_matcher")
        try refuse(message.hasFcdsConfig, "fcds_config")
        try refuse(!message.additionalAddresses.isEmpty, "additional_addresses")
        try refuse(!message.accessLog.isEmpty, "access_log")
        if message.hasBindToPort { try refuse(!message.bindToPort.value, "bind_to_port") }
        guard message.hasAddress else { throw MeshError("address", "is missing") }
        let (host, port) = try MeshError.at("address") { () throws(MeshError) in
            try message.address.hostAndPort()
        }
        try require(address: host, "address.socket_address.address")
        let chains = try filterChains(of: message)
        let (chain, chainPath) = try firstFilterChain(of: message)
        let filter = try MeshError.at(chainPath) { () throws(MeshError) in
            try onlyFilter(of: chain)
        }
        let path = chainPath + ".filters[0].typed_config"
        let listener = try MeshError.at(path) { () throws(MeshError) in
            if let manager = try unpack(filter, as: Proto.HTTPConnectionManager.self) {
                return try served(message, host: host, port: port, by: manager)
            }
            if let proxy = try unpack(filter, as: Proto.TCPProxy.self) {
                return try tunnelled(message, host: host, port: port, by: proxy)
            }
            throw MeshError("", "\(filter.typeURL) is not supported")
        }
        try noteUnknownFields(of: message)
        return listener.secured(by: chains).inspecting(within: try inspection(of: message))
    }

    /// The chain whose filters are those of all chains.
    private func firstFilterChain(
        of message: Proto.Listener
    ) throws(MeshError) -> (chain: Proto.FilterChain, path: String) {
        guard let chain = message.filterChains.first else {
            if message.hasDefaultFilterChain {
                return (message.defaultFilterChain, "default_filter_chain")
            }
            throw MeshError("filter_chains", "must not be empty")
        }
        for (index, other) in message.filterChains.enumerated()
        where other.filters != chain.filters {
            throw MeshError(
                "filter_chains[\(index)].filters", "must be those of filter_chains[0]")
        }
        if message.hasDefaultFilterChain, message.defaultFilterChain.filters != chain.filters {
            throw MeshError(
                "default_filter_chain.filters", "must be those of filter_chains[0]")
        }
        return (chain, "filter_chains[0]")
    }

    private func onlyFilter(of chain: Proto.FilterChain) throws(MeshError) -> Proto.`Any` {
        guard let filter = chain.filters.first else {
            throw MeshError("filters", "must not be empty")
        }
        try refuse(chain.filters.count > 1, "filters[1]")
        return try MeshError.at("filters[0]") { () throws(MeshError) in
            guard case .typedConfig(let any)? = filter.configType else {
                throw MeshError("typed_config", "is missing")
            }
            return any
        }
    }

    private mutating func served(
        _ message: Proto.Listener, host: String, port: UInt16,
        by manager: Proto.HTTPConnectionManager
    ) throws(MeshError) -> Listener {
        let accessFilters = try httpFilters(manager.httpFilters)
        if !accessFilters.isEmpty { try checkNormalization(before: manager) }
        let listener = try Listener(
            name: message.name, host: host, port: port,
            direction: try direction(of: message), codec: try codec(of: manager),
            http2: try http2Options(
                manager.http2ProtocolOptions, "http2_protocol_options", standard: .downstream),
            routes: try routes(of: manager),
            limits: try limits(of: manager),
            statPrefix: manager.statPrefix.isEmpty ? message.statPrefix : manager.statPrefix,
            accessLogPath: try accessLogPath(manager.accessLog),
            upgrades: try upgrades(of: manager))
        try noteUnknownFields(of: manager)
        return try listener.guarded(by: accessFilters)
            .forwardingCertificates(by: try certificateForwarding(of: manager))
            .normalizingPaths(by: try pathNormalization(of: manager))
    }

    /// Details are kept also where the mode does not look at them, as they may be for later.
    private func certificateForwarding(
        of manager: Proto.HTTPConnectionManager
    ) throws(MeshError) -> CertificateForwarding {
        let mode: CertificateForwarding.Mode
        switch manager.forwardClientCertDetails {
        case .sanitize: mode = .sanitize
        case .forwardOnly: mode = .forwardOnly
        case .appendForward: mode = .appendForward
        case .sanitizeSet: mode = .sanitizeSet
        case .alwaysForwardOnly: mode = .alwaysForwardOnly
        case .UNRECOGNIZED(let number):
            throw MeshError("forward_client_cert_details", "\(number) is not a known value")
        }
        let message = manager.setCurrentClientCertDetails
        // What is not known would be left out of what upstreams rely on.
        try refuse(
            !message.unknownFields.data.isEmpty, "a detail of set_current_client_cert_details")
        var details: CertificateForwarding.Details = []
        if message.subject.value { details.insert(.subject) }
        if message.cert { details.insert(.certificate) }
        if message.chain { details.insert(.chain) }
        if message.dns { details.insert(.hosts) }
        if message.uri { details.insert(.uris) }
        return CertificateForwarding(mode, details)
    }

    private func codec(
        of manager: Proto.HTTPConnectionManager
    ) throws(MeshError) -> Listener.Codec {
        switch manager.codecType {
        case .auto: .automatic
        case .http1: .http1
        case .http2: .http2
        case .http3: throw MeshError("codec_type", "\(manager.codecType) is not supported")
        case .UNRECOGNIZED(let number):
            throw MeshError("codec_type", "\(number) is not a known value")
        }
    }

    func direction(of message: Proto.Listener) throws(MeshError) -> Listener.Direction {
        switch message.trafficDirection {
        case .unspecified: .unspecified
        case .inbound: .inbound
        case .outbound: .outbound
        case .UNRECOGNIZED(let number):
            throw MeshError("traffic_direction", "\(number) is not a known value")
        }
    }

    private mutating func routes(
        of manager: Proto.HTTPConnectionManager
    ) throws(MeshError) -> Listener.Routes {
        switch manager.routeSpecifier {
        case .rds(let rds):
            try rds.configSource.requireAggregated("rds.config_source")
            return .discovered(rds.routeConfigName)
        case .routeConfig(let message):
            return .inline(
                try MeshError.at("route_config") { () throws(MeshError) in
                    try routeConfiguration(message)
                })
        case .scopedRoutes: throw MeshError("scoped_routes", "is not supported")
        case nil: throw MeshError("rds", "is missing")
        }
    }

    /// The router must be the last (gRFC A39); before it there may be those that say who may pass.
    private mutating func httpFilters(
        _ filters: [Proto.HTTPFilter]
    ) throws(MeshError) -> [AccessFilter] {
        var accessFilters: [AccessFilter] = []
        for (index, filter) in filters.enumerated() {
            let isLast = index == filters.count - 1
            let accessFilter = try MeshError.at("http_filters[\(index)]") {
                () throws(MeshError) in try httpFilter(filter, isLast: isLast)
            }
            if let accessFilter { accessFilters.append(accessFilter) }
        }
        if filters.isEmpty { throw MeshError("http_filters", "the router is missing") }
        return accessFilters
    }

    private mutating func httpFilter(
        _ filter: Proto.HTTPFilter, isLast: Bool
    ) throws(MeshError) -> AccessFilter? {
        guard case .typedConfig(let any)? = filter.configType else {
            if filter.isOptional, !isLast { return nil }
            throw MeshError("typed_config", "is missing")
        }
        if !isLast, let rules = try unpack(any, as: Proto.AccessFilter.self) {
            // Only a route could enable it again, and none can.
            try refuse(filter.disabled, "disabled")
            return try MeshError.at("typed_config") { () throws(MeshError) in
                try accessFilter(rules, name: filter.name)
            }
        }
        if let router = try unpack(any, as: Proto.Router.self) {
            if !isLast { throw MeshError("", "the router must be the last filter") }
            try refuse(filter.disabled, "disabled")
            try noteUnknownFields(of: router)
        } else if isLast {
            throw MeshError("", "the last filter must be the router")
        } else if !filter.isOptional {
            throw MeshError("typed_config", "\(any.typeURL) is not supported")
        }
        return nil
    }

    /// The protocols that clients may switch to.
    private func upgrades(
        of manager: Proto.HTTPConnectionManager
    ) throws(MeshError) -> [String] {
        var names: [String] = []
        for (index, upgrade) in manager.upgradeConfigs.enumerated() {
            try MeshError.at("upgrade_configs[\(index)]") { () throws(MeshError) in
                try refuse(!upgrade.filters.isEmpty, "filters")
                let name = upgrade.upgradeType
                if name.uppercased() == "CONNECT" {
                    throw MeshError("upgrade_type", "\(name) is not supported")
                }
                if !upgrade.hasEnabled || upgrade.enabled.value { names.append(name) }
            }
        }
        return names
    }

    private func limits(
        of manager: Proto.HTTPConnectionManager
    ) throws(MeshError) -> ListenerLimits {
        let common = manager.commonHTTPProtocolOptions
        let path = "common_http_protocol_options"
        try refuse(common.hasMaxStreamDuration, path + ".max_stream_duration")
        try refuse(common.hasMaxRequestsPerConnection, path + ".max_requests_per_connection")
        let standard = ListenerLimits.default
        let headKiB =
            manager.hasMaxRequestHeadersKb
            ? manager.maxRequestHeadersKb.value : standard.maximumHeadByteCount >> 10
        guard headKiB <= 8192 else { throw MeshError("max_request_headers_kb", "must be 1…8192") }
        return try ListenerLimits(
            idleTimeout: common.hasIdleTimeout
                ? try common.idleTimeout.limit(path + ".idle_timeout") : standard.idleTimeout,
            streamIdleTimeout: manager.hasStreamIdleTimeout
                ? try manager.streamIdleTimeout.limit("stream_idle_timeout")
                : standard.streamIdleTimeout,
            requestTimeout: try manager.requestTimeout.limit("request_timeout"),
            requestHeadTimeout: manager.hasRequestHeadersTimeout
                ? try manager.requestHeadersTimeout.limit("request_headers_timeout")
                : standard.requestHeadTimeout,
            maximumConnectionDuration:
                try common.maxConnectionDuration.limit(path + ".max_connection_duration"),
            maximumHeadByteCount: headKiB << 10,
            maximumFieldCount: common.hasMaxHeadersCount
                ? common.maxHeadersCount.value : standard.maximumFieldCount)
    }

    mutating func accessLogPath(
        _ logs: [Proto.AccessLog]
    ) throws(MeshError) -> String? {
        guard let log = logs.first else { return nil }
        try refuse(logs.count > 1, "access_log[1]")
        return try MeshError.at("access_log[0]") { () throws(MeshError) in
            try refuse(log.hasFilter, "filter")
            guard case .typedConfig(let any)? = log.configType else {
                throw MeshError("typed_config", "is missing")
            }
            if let file = try unpack(any, as: Proto.FileAccessLog.self) {
                try noteUnknownFields(of: file)
                return file.path
            }
            guard let stream = try unpack(any, as: Proto.StdoutAccessLog.self) else {
                throw MeshError("typed_config", "\(any.typeURL) is not supported")
            }
            try noteUnknownFields(of: stream)
            return Self.standardOutputPath
        }
    }

    static var standardOutputPath: String { "/dev/stdout" }
}
