public import Mesh
import SwiftProtobuf

extension Listener {
    /// The listener as a proxy or a stock Envoy takes it.
    public var resource: Resource {
        EncodedListener(self).resource(host: host, port: port)
    }

    /// The listener without its name and address.
    fileprivate var message: Proto.Listener {
        var message = Proto.Listener()
        message.trafficDirection =
            switch direction {
            case .unspecified: .unspecified
            case .inbound: .inbound
            case .outbound: .outbound
            }
        message.listenerFilters = chains.listenerFilters
        if inspection.timeout != Inspection.defaultTimeout {
            message.listenerFiltersTimeout = .init(limit: inspection.timeout)
        }
        message.continueOnListenerFiltersTimeout = inspection.continues
        message.filterChains = chains.map { $0.message(filters: [filter]) }
        return message
    }

    /// A listener for a gRPC client without a proxy, which asks for it by `name` (gRFC A27).
    public static func forGRPCClient(name: String, routeConfigurationName: String) -> Resource {
        var manager = Proto.HTTPConnectionManager()
        manager.statPrefix = name
        manager.rds = Proto.Rds(name: routeConfigurationName)
        manager.httpFilters = [.router]
        var message = Proto.Listener()
        message.name = name
        message.apiListener.apiListener = manager.packed
        return Resource(.listener, name: name, message)
    }

    private var filter: Proto.Filter {
        var manager = Proto.HTTPConnectionManager()
        manager.codecType =
            switch codec {
            case .automatic: .auto
            case .http1: .http1
            case .http2: .http2
            }
        if http2 != .downstream {
            manager.http2ProtocolOptions = http2.message(standard: .downstream)
        }
        switch routes {
        case .tunnel(let rules):
            return .tcpProxy(
                Proto.TCPProxy(rules, statPrefix: statPrefix, accessLog: accessLog))
        case .discovered(let name): manager.rds = Proto.Rds(name: name)
        case .inline(let configuration): manager.routeConfig = configuration.message
        }
        manager.statPrefix = statPrefix
        manager.httpFilters = accessFilters.map(\.filter) + [.router]
        manager.upgradeConfigs = upgrades.map { name in
            var upgrade = Proto.HTTPConnectionManager.UpgradeConfig()
            upgrade.upgradeType = name
            return upgrade
        }
        limits.apply(to: &manager)
        certificateForwarding.apply(to: &manager)
        pathNormalization.apply(to: &manager)
        manager.accessLog = accessLog
        var filter = Proto.Filter()
        filter.name = "envoy.filters.network.http_connection_manager"
        filter.typedConfig = manager.packed
        return filter
    }

    private var accessLog: [Proto.AccessLog] {
        guard let accessLogPath else { return [] }
        var file = Proto.FileAccessLog()
        file.path = accessLogPath
        var log = Proto.AccessLog()
        log.name = "envoy.access_loggers.file"
        log.typedConfig = file.packed
        return [log]
    }
}

/// A listener encoded once, for many proxies of which each has an address of its own.
public struct EncodedListener: Equatable, Sendable {
    private let name: String
    private let fields: [UInt8]

    /// Encodes a listener without its host and port.
    public init(_ listener: Listener) {
        name = listener.name
        fields = listener.message.bytes
    }

    /// The listener at an address.
    public func resource(host: String, port: UInt16) -> Resource {
        var message = Proto.Listener()
        message.name = name
        message.address = Proto.Address(host: host, port: port)
        // The fields of a message stand one after the other.
        return Resource(type: .listener, name: name, body: message.bytes + fields)
    }
}

extension ListenerLimits {
    /// Writes what is not as it would be without being written.
    fileprivate func apply(to manager: inout Proto.HTTPConnectionManager) {
        let standard = ListenerLimits.default
        var common = Proto.CommonHTTPOptions()
        if idleTimeout != standard.idleTimeout { common.idleTimeout = .init(limit: idleTimeout) }
        if let maximumConnectionDuration {
            common.maxConnectionDuration = .init(maximumConnectionDuration)
        }
        if maximumFieldCount != standard.maximumFieldCount {
            common.maxHeadersCount = .init(maximumFieldCount)
        }
        if common != Proto.CommonHTTPOptions() { manager.commonHTTPProtocolOptions = common }
        if streamIdleTimeout != standard.streamIdleTimeout {
            manager.streamIdleTimeout = .init(limit: streamIdleTimeout)
        }
        if let requestTimeout { manager.requestTimeout = .init(requestTimeout) }
        if requestHeadTimeout != standard.requestHeadTimeout {
            manager.requestHeadersTimeout = .init(limit: requestHeadTimeout)
        }
        if maximumHeadByteCount != standard.maximumHeadByteCount {
            manager.maxRequestHeadersKb = .init(maximumHeadByteCount >> 10)
        }
    }
}

extension PathNormalization {
    fileprivate func apply(to manager: inout Proto.HTTPConnectionManager) {
        if resolves { manager.normalizePath = .init(true) }
        manager.mergeSlashes = mergesSlashes
        manager.pathWithEscapedSlashesAction =
            switch escapedSlashes {
            // What Envoy does by default may be changed at run time there.
            case .keep: self == .none ? .implementationSpecificDefault : .keepUnchanged
            case .reject: .rejectRequest
            case .redirect: .unescapeAndRedirect
            case .unescape: .unescapeAndForward
            }
    }
}

extension CertificateForwarding {
    fileprivate func apply(to manager: inout Proto.HTTPConnectionManager) {
        manager.forwardClientCertDetails =
            switch mode {
            case .sanitize: .sanitize
            case .forwardOnly: .forwardOnly
            case .appendForward: .appendForward
            case .sanitizeSet: .sanitizeSet
            case .alwaysForwardOnly: .alwaysForwardOnly
            }
        if details.isEmpty { return }
        var message = Proto.HTTPConnectionManager.SetCurrentClientCertDetails()
        if details.contains(.subject) { message.subject = .init(true) }
        message.cert = details.contains(.certificate)
        message.chain = details.contains(.chain)
        message.dns = details.contains(.hosts)
        message.uri = details.contains(.uris)
        manager.setCurrentClientCertDetails = message
    }
}

extension Proto.Rds {
    fileprivate init(name: String) {
        self.init()
        routeConfigName = name
        configSource = .aggregated
    }
}

extension Proto.HTTPFilter {
    fileprivate static var router: Self {
        var filter = Self()
        filter.name = "envoy.filters.http.router"
        filter.typedConfig = Proto.Router().packed
        return filter
    }
}

extension Proto.Duration {
    /// No limit is written as zero.
    init(limit: Duration?) {
        self.init(limit ?? .zero)
    }
}
