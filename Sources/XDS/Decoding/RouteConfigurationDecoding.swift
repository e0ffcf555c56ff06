import Mesh
import SwiftProtobuf

extension ResourceDecoder {
    mutating func routeConfiguration(
        _ message: Proto.RouteConfiguration
    ) throws(MeshError) -> RouteConfiguration {
        try refuse(message.hasVhds, "vhds")
        try refuse(!message.clusterSpecifierPlugins.isEmpty, "cluster_specifier_plugins")
        try refuse(
            message.ignorePathParametersInPathMatching, "ignore_path_parameters_in_path_matching")
        try refuse(!message.vhostHeader.isEmpty, "vhost_header")
        try refuse(!message.typedPerFilterConfig.isEmpty, "typed_per_filter_config")
        let configuration = try RouteConfiguration(
            name: message.name,
            virtualHosts: try mapping(message.virtualHosts, "virtual_hosts", virtualHost),
            requestHeaders: try HeaderMutations(
                add: message.requestHeadersToAdd, remove: message.requestHeadersToRemove,
                prefix: "request"),
            responseHeaders: try HeaderMutations(
                add: message.responseHeadersToAdd, remove: message.responseHeadersToRemove,
                prefix: "response"),
            mostSpecificHeaderMutationsWin: message.mostSpecificHeaderMutationsWins,
            ignoresPortInHostMatching: message.ignorePortInHostMatching)
        try noteUnknownFields(of: message)
        return configuration
    }
}

private func virtualHost(_ message: Proto.VirtualHost) throws(MeshError) -> VirtualHost {
    try refuse(message.requireTls != .none, "require_tls")
    try refuse(!message.rateLimits.isEmpty, "rate_limits")
    try refuse(message.hasMatcher, "matcher")
    try refuse(!message.typedPerFilterConfig.isEmpty, "typed_per_filter_config")
    return try VirtualHost(
        name: message.name,
        domains: try mapping(message.domains, "domains") { text throws(MeshError) in
            try DomainPattern(parsing: text)
        },
        routes: try mapping(message.routes, "routes", route),
        requestHeaders: try HeaderMutations(
            add: message.requestHeadersToAdd, remove: message.requestHeadersToRemove,
            prefix: "request"),
        responseHeaders: try HeaderMutations(
            add: message.responseHeadersToAdd, remove: message.responseHeadersToRemove,
            prefix: "response"),
        retryPolicy: message.hasRetryPolicy ? try retryPolicy(message.retryPolicy) : nil)
}

private func route(_ message: Proto.Route) throws(MeshError) -> Route {
    try refuse(!message.typedPerFilterConfig.isEmpty, "typed_per_filter_config")
    guard message.hasMatch else { throw MeshError("match", "is missing") }
    let match = try MeshError.at("match") { () throws(MeshError) in
        try routeMatch(message.match)
    }
    return Route(
        name: message.name,
        match: match,
        action: try routeAction(message),
        requestHeaders: try HeaderMutations(
            add: message.requestHeadersToAdd, remove: message.requestHeadersToRemove,
            prefix: "request"),
        responseHeaders: try HeaderMutations(
            add: message.responseHeadersToAdd, remove: message.responseHeadersToRemove,
            prefix: "response"))
}

private func routeAction(_ message: Proto.Route) throws(MeshError) -> RouteAction {
    switch message.action {
    case .route(let action):
        .forward(
            try MeshError.at("route") { () throws(MeshError) in try forwardAction(action) })
    case .redirect(let action):
        .redirect(
            try MeshError.at("redirect") { () throws(MeshError) in try redirectAction(action) })
    case .directResponse(let action):
        .directResponse(
            try MeshError.at("direct_response") { () throws(MeshError) in
                try directResponseAction(action)
            })
    case .filterAction: throw MeshError("filter_action", "is not supported")
    case .nonForwardingAction: throw MeshError("non_forwarding_action", "is not supported")
    case nil: throw MeshError("route", "is missing")
    }
}

func retryPolicy(_ message: Proto.RetryPolicy) throws(MeshError) -> RetryPolicy {
    try MeshError.at("retry_policy") { () throws(MeshError) in
        var codes: [UInt16] = []
        for (index, code) in message.retriableStatusCodes.enumerated() {
            guard let code = UInt16(exactly: code) else {
                throw MeshError("retriable_status_codes[\(index)]", "must be 100…599")
            }
            codes.append(code)
        }
        let backOff = message.retryBackOff
        let base: Duration =
            message.hasRetryBackOff
            ? try backOff.baseInterval.value("retry_back_off.base_interval") : .milliseconds(25)
        return try RetryPolicy(
            conditions: try RetryPolicy.Conditions(parsing: message.retryOn),
            retryCount: message.hasNumRetries ? message.numRetries.value : 1,
            perTryTimeout: try message.perTryTimeout.limit("per_try_timeout"),
            retriableStatusCodes: codes,
            baseInterval: base,
            maximumInterval: backOff.hasMaxInterval
                ? try backOff.maxInterval.value("retry_back_off.max_interval") : nil)
    }
}
