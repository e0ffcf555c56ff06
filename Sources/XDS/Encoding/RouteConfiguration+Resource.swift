public import Mesh
import SwiftProtobuf

extension RouteConfiguration {
    public var resource: Resource {
        Resource(.routeConfiguration, name: name, message)
    }

    var message: Proto.RouteConfiguration {
        var message = Proto.RouteConfiguration()
        message.name = name
        message.virtualHosts = virtualHosts.map(\.message)
        message.requestHeadersToAdd = requestHeaders.additions.map(\.message)
        message.requestHeadersToRemove = requestHeaders.removals
        message.responseHeadersToAdd = responseHeaders.additions.map(\.message)
        message.responseHeadersToRemove = responseHeaders.removals
        message.mostSpecificHeaderMutationsWins = mostSpecificHeaderMutationsWin
        message.ignorePortInHostMatching = ignoresPortInHostMatching
        return message
    }
}

/// A virtual host encoded once, for many configurations that differ in others.
public struct EncodedVirtualHost: Equatable, Sendable {
    /// The field of a configuration that holds it.
    fileprivate let field: [UInt8]

    public init(_ host: VirtualHost) {
        var message = Proto.RouteConfiguration()
        message.virtualHosts = [host.message]
        field = message.bytes
    }
}

extension Resource {
    /// The route configuration of that name with those virtual hosts and nothing else.
    ///
    /// The caller knows that their names and domains are unique.
    public static func routeConfiguration(
        named name: String, with virtualHosts: [EncodedVirtualHost]
    ) -> Resource {
        var message = Proto.RouteConfiguration()
        message.name = name
        var body = message.bytes
        body.reserveCapacity(virtualHosts.reduce(body.count) { $0 + $1.field.count })
        // The fields of a message stand one after the other.
        for host in virtualHosts { body += host.field }
        return Resource(type: .routeConfiguration, name: name, body: body)
    }
}

extension VirtualHost {
    fileprivate var message: Proto.VirtualHost {
        var message = Proto.VirtualHost()
        message.name = name
        message.domains = domains.map(\.description)
        message.routes = routes.map(\.message)
        message.requestHeadersToAdd = requestHeaders.additions.map(\.message)
        message.requestHeadersToRemove = requestHeaders.removals
        message.responseHeadersToAdd = responseHeaders.additions.map(\.message)
        message.responseHeadersToRemove = responseHeaders.removals
        if let retryPolicy { message.retryPolicy = retryPolicy.message }
        return message
    }
}

extension Route {
    fileprivate var message: Proto.Route {
        var message = Proto.Route()
        message.name = name
        message.match = match.message
        switch action {
        case .forward(let action): message.route = action.message
        case .redirect(let action): message.redirect = action.message
        case .directResponse(let action): message.directResponse = action.message
        }
        message.requestHeadersToAdd = requestHeaders.additions.map(\.message)
        message.requestHeadersToRemove = requestHeaders.removals
        message.responseHeadersToAdd = responseHeaders.additions.map(\.message)
        message.responseHeadersToRemove = responseHeaders.removals
        return message
    }
}

extension HeaderMutations.Addition {
    var message: Proto.HeaderValueOption {
        var message = Proto.HeaderValueOption()
        message.header.key = name
        // A single % would begin a command operator.
        message.header.value = value.split(separator: "%", omittingEmptySubsequences: false)
            .joined(separator: "%%")
        message.appendAction =
            switch action {
            case .append: .appendIfExistsOrAdd
            case .addIfAbsent: .addIfAbsent
            case .overwrite: .overwriteIfExistsOrAdd
            case .overwriteIfExists: .overwriteIfExists
            }
        message.keepEmptyValue = keepsEmptyValue
        return message
    }
}

extension RetryPolicy {
    var message: Proto.RetryPolicy {
        var message = Proto.RetryPolicy()
        message.retryOn = conditions.names.joined(separator: ",")
        message.numRetries = .init(retryCount)
        if let perTryTimeout { message.perTryTimeout = .init(perTryTimeout) }
        message.retriableStatusCodes = retriableStatusCodes.map(UInt32.init)
        message.retryBackOff.baseInterval = .init(baseInterval)
        message.retryBackOff.maxInterval = .init(maximumInterval)
        return message
    }
}
