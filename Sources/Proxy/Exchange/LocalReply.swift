import Telemetry

/// What the proxy says when it answers itself.
enum LocalReply {
    /// A short sentence for whoever reads the response.
    static func body(status: UInt16, flags: ResponseFlags) -> StaticString {
        if flags.contains(.noRoute) { return "no route matches\n" }
        if flags.contains(.noCluster) { return "the route's cluster is not known\n" }
        if flags.contains(.noHealthyUpstream) { return "no healthy upstream\n" }
        if flags.contains(.upstreamOverflow) { return "too many requests are waiting\n" }
        if flags.contains(.upstreamConnectFailure) { return "the upstream cannot be reached\n" }
        if flags.contains(.maximumDurationReached) { return "the time for the request is up\n" }
        if flags.contains(.upstreamTimeout) { return "the upstream request timed out\n" }
        if flags.contains(.upstreamProtocolError) { return "the upstream's answer is not HTTP\n" }
        if !flags.isDisjoint(with: [.upstreamConnectionTermination, .upstreamReset]) {
            return "the upstream ended the connection before it answered\n"
        }
        switch status {
        case 400: return "bad request\n"
        // As Envoy says it.
        case 403: return "RBAC: access denied"
        case 408: return "the request took too long\n"
        case 414: return "the request line is too long\n"
        case 417: return "the expectation cannot be met\n"
        case 431: return "the request head is too large\n"
        case 501: return "what the request asks for is not supported\n"
        case 505: return "the HTTP version is not supported\n"
        default: return ""
        }
    }

    /// Whether a response of that status has a body at all (RFC 9112 §6.3).
    static func mayHaveBody(_ status: UInt16) -> Bool {
        status >= 200 && status != 204 && status != 304
    }
}
