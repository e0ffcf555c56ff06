import Mesh
import SwiftProtobuf

extension AccessFilter {
    var filter: Proto.HTTPFilter {
        var message = Proto.AccessFilter()
        if let rules { message.rules = rules.message }
        if let shadowRules { message.shadowRules = shadowRules.message }
        message.rulesStatPrefix = statPrefix
        message.shadowRulesStatPrefix = shadowStatPrefix
        var filter = Proto.HTTPFilter()
        filter.name = name
        filter.typedConfig = message.packed
        return filter
    }
}

extension AccessRules {
    fileprivate var message: Proto.AccessRules {
        var message = Proto.AccessRules()
        message.action =
            switch action {
            case .allow: .allow
            case .deny: .deny
            }
        for policy in policies {
            var part = Proto.AccessPolicy()
            part.permissions = policy.permissions.map(\.message)
            part.principals = policy.principals.map(\.message)
            message.policies[policy.name] = part
        }
        return message
    }
}

extension Permission {
    fileprivate var message: Proto.Permission {
        var message = Proto.Permission()
        switch self {
        case .any: message.any = true
        case .all(let parts): message.andRules.rules = parts.map(\.message)
        case .either(let parts): message.orRules.rules = parts.map(\.message)
        case .not(let other): message.notRule = other.message
        case .header(let matcher): message.header = matcher.message
        case .path(let matcher): message.urlPath.path = matcher.message
        case .destinationPorts(let ports):
            if ports.count == 1 {
                message.destinationPort = ports.lowerBound
            } else {
                message.destinationPortRange.start = Int32(clamping: ports.lowerBound)
                message.destinationPortRange.end = Int32(clamping: ports.upperBound)
            }
        }
        return message
    }
}

extension Principal {
    fileprivate var message: Proto.Principal {
        var message = Proto.Principal()
        switch self {
        case .any: message.any = true
        case .all(let parts): message.andIds.ids = parts.map(\.message)
        case .either(let parts): message.orIds.ids = parts.map(\.message)
        case .not(let other): message.notID = other.message
        case .authenticated(let matcher):
            message.authenticated = .init()
            if let matcher { message.authenticated.principalName = matcher.message }
        case .address(let range):
            message.directRemoteIp.addressPrefix = range.address
            message.directRemoteIp.prefixLen = .init(range.prefixLength)
        case .header(let matcher): message.header = matcher.message
        case .path(let matcher): message.urlPath.path = matcher.message
        }
        return message
    }
}
