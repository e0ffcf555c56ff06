import FoundationEssentials
import Mesh
import RegularExpressions
import SwiftProtobuf

extension ForwardAction {
    var message: Proto.RouteAction {
        var message = Proto.RouteAction()
        switch destination {
        case .cluster(let name): message.cluster = name
        case .weighted(let clusters): message.weightedClusters = clusters.message
        }
        switch pathRewrite {
        case .prefix(let text): message.prefixRewrite = text
        case .regex(let rewrite): message.regexRewrite = rewrite.message
        case nil: break
        }
        switch hostRewrite {
        case .literal(let text): message.hostRewriteLiteral = text
        case .header(let name): message.hostRewriteHeader = name
        case nil: break
        }
        if timeout != Self.defaultTimeout { message.timeout = .init(limit: timeout) }
        switch idleTimeout {
        case .inherited: break
        case .disabled: message.idleTimeout = .init(limit: nil)
        case .after(let duration): message.idleTimeout = .init(duration)
        }
        streamLimits.add(to: &message)
        message.hashPolicy = hashPolicies.map(\.message)
        if let retryPolicy { message.retryPolicy = retryPolicy.message }
        return message
    }
}

extension StreamLimits {
    fileprivate func add(to message: inout Proto.RouteAction) {
        if replacesTimeout, case .honoured(let maximum, _) = grpcTimeout {
            message.maxGrpcTimeout = .init(limit: maximum)
            return
        }
        if let duration { message.maxStreamDuration.maxStreamDuration = .init(duration) }
        if case .honoured(let maximum, let margin) = grpcTimeout {
            message.maxStreamDuration.grpcTimeoutHeaderMax = .init(limit: maximum)
            if margin != .zero {
                message.maxStreamDuration.grpcTimeoutHeaderOffset = .init(margin)
            }
        }
    }
}

extension WeightedClusters {
    fileprivate var message: Proto.WeightedCluster {
        var message = Proto.WeightedCluster()
        message.clusters = entries.map(\.message)
        if usesHashPolicy { message.useHashPolicy = .init(true) }
        return message
    }
}

extension WeightedClusters.Entry {
    fileprivate var message: Proto.WeightedCluster.ClusterWeight {
        var message = Proto.WeightedCluster.ClusterWeight()
        message.name = name
        message.weight = .init(weight)
        message.requestHeadersToAdd = requestHeaders.additions.map(\.message)
        message.requestHeadersToRemove = requestHeaders.removals
        message.responseHeadersToAdd = responseHeaders.additions.map(\.message)
        message.responseHeadersToRemove = responseHeaders.removals
        if let hostRewrite { message.hostRewriteLiteral = hostRewrite }
        return message
    }
}

extension HashPolicy {
    fileprivate var message: Proto.RouteAction.HashPolicy {
        var message = Proto.RouteAction.HashPolicy()
        switch source {
        case .header(let name): message.header.headerName = name
        case .cookie(let cookie):
            message.cookie.name = cookie.name
            message.cookie.path = cookie.path
            if let timeToLive = cookie.timeToLive { message.cookie.ttl = .init(timeToLive) }
        case .sourceAddress: message.connectionProperties.sourceIp = true
        case .queryParameter(let name): message.queryParameter.name = name
        }
        message.terminal = isTerminal
        return message
    }
}

extension RegexRewrite {
    fileprivate var message: Proto.RegexRewrite {
        var message = Proto.RegexRewrite()
        message.pattern = .init(pattern: pattern.pattern)
        message.substitution = substitution
        return message
    }
}

extension RedirectAction {
    var message: Proto.RedirectAction {
        var message = Proto.RedirectAction()
        message.responseCode =
            switch status {
            case .movedPermanently: .movedPermanently
            case .found: .found
            case .seeOther: .seeOther
            case .temporaryRedirect: .temporaryRedirect
            case .permanentRedirect: .permanentRedirect
            }
        if let scheme { message.schemeRedirect = scheme }
        message.hostRedirect = host ?? ""
        message.portRedirect = UInt32(port ?? 0)
        switch path {
        case .replace(let text): message.pathRedirect = text
        case .prefix(let text): message.prefixRewrite = text
        case .regex(let rewrite): message.regexRewrite = rewrite.message
        case nil: break
        }
        message.stripQuery = stripsQuery
        return message
    }
}

extension DirectResponseAction {
    var message: Proto.DirectResponseAction {
        var message = Proto.DirectResponseAction()
        message.status = UInt32(status)
        if let text = String(validating: body, as: UTF8.self) {
            if !text.isEmpty { message.body.inlineString = text }
        } else {
            message.body.inlineBytes = Data(body)
        }
        return message
    }
}
