import FoundationEssentials
import Mesh
import SwiftProtobuf

func forwardAction(_ message: Proto.RouteAction) throws(MeshError) -> ForwardAction {
    try refuse(message.hasMetadataMatch, "metadata_match")
    try refuse(message.hasPathRewritePolicy, "path_rewrite_policy")
    try refuse(!message.pathRewrite.isEmpty, "path_rewrite")
    try refuse(message.hasRetryPolicyTypedConfig, "retry_policy_typed_config")
    try refuse(!message.rateLimits.isEmpty, "rate_limits")
    try refuse(message.priority != .default, "priority")
    let idleTimeout: ForwardAction.IdleTimeout =
        message.hasIdleTimeout
        ? try message.idleTimeout.limit("idle_timeout").map { .after($0) } ?? .disabled
        : .inherited
    return try ForwardAction(
        destination: try destination(message),
        pathRewrite: try pathRewrite(message),
        hostRewrite: try hostRewrite(message),
        timeout: message.hasTimeout
            ? try message.timeout.limit("timeout") : ForwardAction.defaultTimeout,
        idleTimeout: idleTimeout,
        streamLimits: try streamLimits(message),
        hashPolicies: try mapping(message.hashPolicy, "hash_policy", hashPolicy),
        retryPolicy: message.hasRetryPolicy ? try retryPolicy(message.retryPolicy) : nil)
}

private func streamLimits(_ message: Proto.RouteAction) throws(MeshError) -> StreamLimits {
    if message.hasMaxStreamDuration {
        try refuse(message.hasMaxGrpcTimeout, "max_grpc_timeout")
        let limits = message.maxStreamDuration
        return try MeshError.at("max_stream_duration") { () throws(MeshError) in
            try StreamLimits(
                duration: limits.hasMaxStreamDuration
                    ? try limits.maxStreamDuration.limit("max_stream_duration") : nil,
                grpcTimeout: limits.hasGrpcTimeoutHeaderMax
                    ? .honoured(
                        maximum: try limits.grpcTimeoutHeaderMax.limit("grpc_timeout_header_max"),
                        margin: try limits.grpcTimeoutHeaderOffset.value(
                            "grpc_timeout_header_offset")) : .ignored)
        }
    }
    // Its deprecated forerunner.
    if message.hasMaxGrpcTimeout {
        return try StreamLimits(
            grpcTimeout: .honoured(
                maximum: try message.maxGrpcTimeout.limit("max_grpc_timeout"), margin: .zero),
            replacesTimeout: true)
    }
    return .none
}

private func destination(
    _ message: Proto.RouteAction
) throws(MeshError) -> ForwardAction.Destination {
    switch message.clusterSpecifier {
    case .cluster(let name): return .cluster(name)
    case .weightedClusters(let clusters):
        return .weighted(
            try MeshError.at("weighted_clusters") { () throws(MeshError) in
                try weightedClusters(clusters)
            })
    case .clusterHeader: throw MeshError("cluster_header", "is not supported")
    case .clusterSpecifierPlugin: throw MeshError("cluster_specifier_plugin", "is not supported")
    case .inlineClusterSpecifierPlugin:
        throw MeshError("inline_cluster_specifier_plugin", "is not supported")
    case nil: throw MeshError("cluster", "is missing")
    }
}

private func weightedClusters(
    _ message: Proto.WeightedCluster
) throws(MeshError) -> WeightedClusters {
    let usesHashPolicy: Bool
    switch message.randomValueSpecifier {
    case .headerName: throw MeshError("header_name", "is not supported")
    case .useHashPolicy(let value): usesHashPolicy = value.value
    case nil: usesHashPolicy = false
    }
    let clusters = try WeightedClusters(
        entries: try mapping(message.clusters, "clusters", weightedCluster),
        usesHashPolicy: usesHashPolicy)
    // Weights were once required to sum to this; where it is still sent, it must be true.
    if message.hasTotalWeight, message.totalWeight.value != clusters.totalWeight {
        throw MeshError("total_weight", "the weights sum to \(clusters.totalWeight)")
    }
    return clusters
}

private func weightedCluster(
    _ message: Proto.WeightedCluster.ClusterWeight
) throws(MeshError) -> WeightedClusters.Entry {
    try refuse(!message.clusterHeader.isEmpty, "cluster_header")
    try refuse(message.hasMetadataMatch, "metadata_match")
    try refuse(!message.typedPerFilterConfig.isEmpty, "typed_per_filter_config")
    return try WeightedClusters.Entry(
        name: message.name,
        weight: message.weight.value,
        requestHeaders: try HeaderMutations(
            add: message.requestHeadersToAdd, remove: message.requestHeadersToRemove,
            prefix: "request"),
        responseHeaders: try HeaderMutations(
            add: message.responseHeadersToAdd, remove: message.responseHeadersToRemove,
            prefix: "response"),
        hostRewrite: message.hostRewriteSpecifier == nil ? nil : message.hostRewriteLiteral)
}

private func pathRewrite(
    _ message: Proto.RouteAction
) throws(MeshError) -> ForwardAction.PathRewrite? {
    if message.hasRegexRewrite {
        if !message.prefixRewrite.isEmpty {
            throw MeshError("regex_rewrite", "must not stand beside prefix_rewrite")
        }
        return .regex(
            try MeshError.at("regex_rewrite") { () throws(MeshError) in
                try RegexRewrite(message.regexRewrite)
            })
    }
    return message.prefixRewrite.isEmpty ? nil : .prefix(message.prefixRewrite)
}

private func hostRewrite(
    _ message: Proto.RouteAction
) throws(MeshError) -> ForwardAction.HostRewrite? {
    switch message.hostRewriteSpecifier {
    case .hostRewriteLiteral(let text): return .literal(text)
    case .hostRewriteHeader(let name): return .header(name)
    case .autoHostRewrite(let value):
        try refuse(value.value, "auto_host_rewrite")
        return nil
    case .hostRewritePathRegex: throw MeshError("host_rewrite_path_regex", "is not supported")
    case .hostRewrite: throw MeshError("host_rewrite", "is not supported")
    case nil: return nil
    }
}

private func hashPolicy(
    _ message: Proto.RouteAction.HashPolicy
) throws(MeshError) -> HashPolicy {
    let source: HashPolicy.Source
    switch message.policySpecifier {
    case .header(let header):
        try refuse(header.hasRegexRewrite, "header.regex_rewrite")
        source = .header(header.headerName)
    case .cookie(let cookie):
        try refuse(!cookie.attributes.isEmpty, "cookie.attributes")
        source = .cookie(
            try MeshError.at("cookie") { () throws(MeshError) in
                try HashPolicy.Cookie(
                    name: cookie.name,
                    timeToLive: cookie.hasTtl ? try cookie.ttl.value("ttl") : nil,
                    path: cookie.path)
            })
    case .connectionProperties(let properties):
        if !properties.sourceIp { throw MeshError("connection_properties", "has no source_ip") }
        source = .sourceAddress
    case .queryParameter(let parameter): source = .queryParameter(parameter.name)
    case .filterState: throw MeshError("filter_state", "is not supported")
    case nil: throw MeshError("", "has no policy specifier")
    }
    return try HashPolicy(source, isTerminal: message.terminal)
}

func redirectAction(_ message: Proto.RedirectAction) throws(MeshError) -> RedirectAction {
    guard let port = UInt16(exactly: message.portRedirect) else {
        throw MeshError("port_redirect", "must be at most 65535")
    }
    let path: RedirectAction.Path?
    switch message.pathRewriteSpecifier {
    case .pathRedirect(let text): path = .replace(text)
    case .prefixRewrite(let text): path = .prefix(text)
    case .regexRewrite(let rewrite):
        path = .regex(
            try MeshError.at("regex_rewrite") { () throws(MeshError) in
                try RegexRewrite(rewrite)
            })
    case nil: path = nil
    }
    let scheme: String? =
        switch message.schemeRewriteSpecifier {
        case .httpsRedirect(let isSet): isSet ? "https" : nil
        case .schemeRedirect(let scheme): scheme
        case nil: nil
        }
    return try RedirectAction(
        status: try redirectStatus(message.responseCode),
        scheme: scheme,
        host: message.hostRedirect.isEmpty ? nil : message.hostRedirect,
        port: port == 0 ? nil : port,
        path: path,
        stripsQuery: message.stripQuery)
}

private func redirectStatus(
    _ code: Proto.RedirectAction.RedirectResponseCode
) throws(MeshError) -> RedirectAction.Status {
    switch code {
    case .movedPermanently: .movedPermanently
    case .found: .found
    case .seeOther: .seeOther
    case .temporaryRedirect: .temporaryRedirect
    case .permanentRedirect: .permanentRedirect
    case .UNRECOGNIZED(let number):
        throw MeshError("response_code", "\(number) is not a known value")
    }
}

func directResponseAction(
    _ message: Proto.DirectResponseAction
) throws(MeshError) -> DirectResponseAction {
    try refuse(message.hasBodyFormat, "body_format")
    let body: [UInt8] =
        switch message.body.specifier {
        case .inlineString(let text): Array(text.utf8)
        case .inlineBytes(let bytes): Array(bytes)
        case .filename: throw MeshError("body.filename", "is not supported")
        case .environmentVariable:
            throw MeshError("body.environment_variable", "is not supported")
        case nil: []
        }
    guard let status = UInt16(exactly: message.status) else {
        throw MeshError("status", "must be 200…599")
    }
    return try DirectResponseAction(status: status, body: body)
}
