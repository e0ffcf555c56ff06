import Mesh
import RegularExpressions
import SwiftProtobuf

extension RouteMatch {
    var message: Proto.RouteMatch {
        var message = Proto.RouteMatch()
        message.pathSpecifier =
            switch path {
            case .prefix(let text): .prefix(text)
            case .exact(let text): .path(text)
            case .separatedPrefix(let prefix): .pathSeparatedPrefix(prefix.text)
            case .regex(let regex): .safeRegex(.init(pattern: regex.pattern))
            }
        if !isCaseSensitive { message.caseSensitive = .init(false) }
        message.headers = headers.map(\.message)
        message.queryParameters = queryParameters.map(\.message)
        if isGRPC { message.grpc = .init() }
        return message
    }
}

extension HeaderMatcher {
    var message: Proto.HeaderMatcher {
        var message = Proto.HeaderMatcher()
        message.name = name
        switch condition {
        case .string(let matcher): message.stringMatch = matcher.message
        case .range(let range):
            message.rangeMatch.start = range.lowerBound
            message.rangeMatch.end = range.upperBound
        case .present(let isPresent): message.presentMatch = isPresent
        }
        message.invertMatch = isInverted
        message.treatMissingHeaderAsEmpty = treatsMissingAsEmpty
        return message
    }
}

extension QueryParameterMatcher {
    fileprivate var message: Proto.QueryParameterMatcher {
        var message = Proto.QueryParameterMatcher()
        message.name = name
        switch condition {
        case .string(let matcher): message.stringMatch = matcher.message
        case .present(let isPresent): message.presentMatch = isPresent
        }
        return message
    }
}

extension StringMatcher {
    var message: Proto.StringMatcher {
        var message = Proto.StringMatcher()
        message.matchPattern =
            switch pattern {
            case .exact(let text): .exact(text)
            case .prefix(let text): .prefix(text)
            case .suffix(let text): .suffix(text)
            case .contains(let text): .contains(text)
            case .regex(let regex): .safeRegex(.init(pattern: regex.pattern))
            }
        message.ignoreCase = ignoresCase
        return message
    }
}

extension Proto.RegexMatcher {
    init(pattern: String) {
        self.init()
        regex = pattern
    }
}
