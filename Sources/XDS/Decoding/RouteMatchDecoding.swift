import Mesh
import SwiftProtobuf

func routeMatch(_ message: Proto.RouteMatch) throws(MeshError) -> RouteMatch {
    // Each of these makes a route match less; left out, it would match what it must not.
    try refuse(message.hasRuntimeFraction, "runtime_fraction")
    try refuse(message.hasTlsContext, "tls_context")
    try refuse(!message.dynamicMetadata.isEmpty, "dynamic_metadata")
    try refuse(!message.filterState.isEmpty, "filter_state")
    try refuse(!message.cookies.isEmpty, "cookies")
    return RouteMatch(
        path: try pathMatcher(message),
        isCaseSensitive: message.hasCaseSensitive ? message.caseSensitive.value : true,
        headers: try mapping(message.headers, "headers", headerMatcher),
        queryParameters: try mapping(
            message.queryParameters, "query_parameters", queryParameterMatcher),
        isGRPC: message.hasGrpc)
}

private func pathMatcher(_ message: Proto.RouteMatch) throws(MeshError) -> PathMatcher {
    switch message.pathSpecifier {
    case .prefix(let text): .prefix(text)
    case .path(let text): .exact(text)
    case .pathSeparatedPrefix(let text): try .separatedPrefix(parsing: text)
    case .safeRegex(let regex): try .regex(parsing: regex.regex)
    case .connectMatcher: throw MeshError("connect_matcher", "is not supported")
    case .pathMatchPolicy: throw MeshError("path_match_policy", "is not supported")
    case nil: throw MeshError("", "has no path specifier")
    }
}

func headerMatcher(_ message: Proto.HeaderMatcher) throws(MeshError) -> HeaderMatcher {
    let condition: HeaderMatcher.Condition =
        switch message.headerMatchSpecifier {
        case .stringMatch(let matcher):
            .string(
                try MeshError.at("string_match") { () throws(MeshError) in
                    try StringMatcher(matcher)
                })
        case .rangeMatch(let range):
            .range(try valid(range))
        case .presentMatch(let isPresent): .present(isPresent)
        // From before there was `string_match`; older servers still send them.
        case .exactMatch(let text): .string(try StringMatcher(.exact(text)))
        case .prefixMatch(let text): .string(try StringMatcher(.prefix(text)))
        case .suffixMatch(let text): .string(try StringMatcher(.suffix(text)))
        case .containsMatch(let text): .string(try StringMatcher(.contains(text)))
        case .safeRegexMatch(let regex): .string(try StringMatcher(regex: regex.regex))
        case nil: .present(true)
        }
    return try HeaderMatcher(
        name: message.name, condition, isInverted: message.invertMatch,
        treatsMissingAsEmpty: message.treatMissingHeaderAsEmpty)
}

/// - Throws: `MeshError` when `range` ends before it begins.
private func valid(_ range: Envoy_Type_V3_Int64Range) throws(MeshError) -> Range<Int64> {
    guard range.start <= range.end else {
        throw MeshError("range_match", "ends before it begins")
    }
    return range.start..<range.end
}

private func queryParameterMatcher(
    _ message: Proto.QueryParameterMatcher
) throws(MeshError) -> QueryParameterMatcher {
    let condition: QueryParameterMatcher.Condition =
        switch message.queryParameterMatchSpecifier {
        case .stringMatch(let matcher):
            .string(
                try MeshError.at("string_match") { () throws(MeshError) in
                    try StringMatcher(matcher)
                })
        case .presentMatch(let isPresent): .present(isPresent)
        case nil: .present(true)
        }
    return try QueryParameterMatcher(name: message.name, condition)
}
