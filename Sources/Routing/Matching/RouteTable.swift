public import Bytes
public import HTTP
public import Mesh

/// Names a route of one ``RouteTable``.
public struct RouteNumber: Hashable, Sendable {
    let value: UInt32
}

/// A ``RouteConfiguration`` compiled for the request path: nothing in it locks, counts references
/// or allocates, except that a condition on a repeated field joins its values.
///
/// Each worker has its own, so that workers share nothing but the ``PickSequence``s.
public final class RouteTable: Sendable {
    /// What has been found out about a request beside its head.
    public struct Surroundings: Sendable {
        /// Whether the request came over TLS, so that its scheme is `https`.
        public var isSecure: Bool

        public init(isSecure: Bool = false) {
            self.isSecure = isSecure
        }
    }

    private let routes: CompiledRoutes

    init(_ routes: consuming CompiledRoutes) {
        self.routes = routes
    }

    /// The first route of the request's virtual host whose conditions all hold; `nil` answers 404.
    ///
    /// It costs as much as the path is long, plus what the conditions of routes with that path
    /// cost.
    public func match(
        _ head: borrowing RequestHead, _ surroundings: Surroundings = Surroundings()
    ) -> RouteNumber? {
        routes.match(head, surroundings)
    }

    /// The first route of all; where there is nothing to match, every connection takes it.
    public var firstRoute: RouteNumber? {
        routes.routes.isEmpty ? nil : RouteNumber(value: 0)
    }

    /// What is done with a request of the route.
    public func action(of route: RouteNumber) -> CompiledAction {
        routes.action(of: route)
    }

    /// Evaluates the hash policies of the route, before the pick.
    ///
    /// A cookie that is missing and has a time to live is generated here, so that the first request
    /// of a user goes where all later ones will.
    ///
    /// - Parameters:
    ///   - route: Where the request was routed.
    ///   - head: The request.
    ///   - source: The client's address in text, without its port.
    ///   - freshID: A random number that no other request gets, in case a cookie is generated.
    /// - Returns: The key, which ``destination(of:key:)`` and a ring of endpoints go by.
    public func stickyKey(
        of route: RouteNumber, head: borrowing RequestHead, source: Span<UInt8>, freshID: UInt64
    ) -> StickyKey {
        routes.stickyKey(of: route, head: head, source: source, freshID: freshID)
    }

    /// Picks where a request of the route goes; a retry of the request stays there.
    ///
    /// A split without stickiness, or a request without a key, takes the next number of the route's
    /// ``PickSequence``, whoever asks: ask once for a request.
    ///
    /// - Parameters:
    ///   - route: A route that forwards.
    ///   - key: What ``stickyKey(of:head:source:freshID:)`` found.
    /// - Returns: `nil` when the route does not forward.
    public func destination(of route: RouteNumber, key: StickyKey = .none) -> Destination? {
        routes.destination(of: route, key: key)
    }

    /// How long a request of the route may take with everything; `nil` is no limit.
    public func streamLimits(of route: RouteNumber) -> CompiledStreamLimits? {
        routes.streamLimits(of: route)
    }

    /// Whether the retry policy of the route lists `status` (`retriable_status_codes`).
    public func isRetriable(_ status: UInt16, for route: RouteNumber) -> Bool {
        routes.isRetriable(status, for: route)
    }

    /// Appends the target of the forwarded request, path and query, to `buffer`.
    ///
    /// - Returns: Whether the route rewrites the path; if not, nothing is appended.
    public func appendRewrittenPath(
        of route: RouteNumber, head: borrowing RequestHead, to buffer: inout Buffer
    ) -> Bool {
        routes.appendRewrittenPath(of: route, head: head, to: &buffer)
    }

    /// Appends the authority of the forwarded request, as the split's entry or the route says.
    ///
    /// - Returns: Whether it is rewritten; if not, nothing is appended, and it stays as it was
    ///   sent.
    public func appendRewrittenAuthority(
        of route: RouteNumber, destination: Destination, head: borrowing RequestHead,
        to buffer: inout Buffer
    ) -> Bool {
        routes.appendRewrittenAuthority(
            of: route, destination: destination, head: head, to: &buffer)
    }

    /// Removes and adds the fields of a request as entry, route, virtual host and configuration
    /// say.
    public func mutateRequest(
        _ fields: inout Fields, of route: RouteNumber, destination: Destination
    ) {
        routes.mutateRequest(&fields, of: route, destination: destination)
    }

    /// Removes and adds the fields of an answer as entry, route, virtual host and configuration
    /// say.
    ///
    /// - Parameters:
    ///   - fields: The fields of the head that is sent to the client.
    ///   - route: Where the request was routed.
    ///   - destination: `nil` when the request was not forwarded.
    public func mutateResponse(
        _ fields: inout Fields, of route: RouteNumber, destination: Destination?
    ) {
        routes.mutateResponse(&fields, of: route, destination: destination)
    }

    /// Appends the value of one `Set-Cookie` field that the response must have.
    ///
    /// Call it for as long as ``StickyKey/needsCookie`` says so.
    public func appendCookie(of route: RouteNumber, key: inout StickyKey, to buffer: inout Buffer) {
        routes.appendCookie(of: route, key: &key, to: &buffer)
    }

    /// Appends the target of a redirect (`Location`, RFC 9110 §10.2.2) to `buffer`.
    public func appendLocation(
        of route: RouteNumber, head: borrowing RequestHead,
        _ surroundings: Surroundings = Surroundings(), to buffer: inout Buffer
    ) {
        routes.appendLocation(of: route, head: head, surroundings: surroundings, to: &buffer)
    }

    /// Appends the body of a direct response; nothing for other actions.
    public func appendBody(of route: RouteNumber, to buffer: inout Buffer) {
        routes.appendBody(of: route, to: &buffer)
    }

    /// Appends the route's name in the configuration, which may be empty.
    public func appendName(of route: RouteNumber, to buffer: inout Buffer) {
        routes.appendName(of: route, to: &buffer)
    }
}

/// What is done with a request that a route matches.
public enum CompiledAction: Sendable {
    case forward(CompiledForward)
    /// The target comes from ``RouteTable/appendLocation(of:head:_:to:)``.
    case redirect(status: UInt16)
    /// The body comes from ``RouteTable/appendBody(of:to:)``.
    case directResponse(status: UInt16)
}

/// How a request is forwarded; where to comes from ``RouteTable/destination(of:key:)``.
public struct CompiledForward: Sendable {
    /// From the end of the request to the end of the response, in nanoseconds; the most there can
    /// be is no limit.
    public let timeout: UInt64
    /// How long nothing may move, in nanoseconds, as above; `nil` is as the listener says.
    public let idleTimeout: UInt64?
    public let retry: CompiledRetry?
    /// Whether ``RouteTable/stickyKey(of:head:source:freshID:)`` can find something.
    public let hasHashPolicies: Bool
    /// Whether ``RouteTable/streamLimits(of:)`` has any.
    public let hasStreamLimits: Bool
}

/// How long a request may take with everything, in nanoseconds, where the most there can be is no
/// limit; see ``StreamLimits``.
public struct CompiledStreamLimits: Sendable {
    let duration: UInt64
    /// `nil` ignores the field `grpc-timeout`.
    let grpcMaximum: UInt64?
    let grpcMargin: UInt64
    let replacesTimeout: Bool

    /// The limit of one request.
    ///
    /// - Parameters:
    ///   - isGRPC: Whether the request is one of gRPC.
    ///   - grpcTimeout: What its client says, in nanoseconds; `nil` when it does not.
    /// - Returns: The limit, and whether the timeout of the route has no say beside it.
    public func limit(
        isGRPC: Bool, grpcTimeout: UInt64?
    ) -> (nanoseconds: UInt64, replacesTimeout: Bool) {
        let replacesTimeout = isGRPC && self.replacesTimeout
        guard isGRPC, let grpcMaximum else { return (duration, replacesTimeout) }
        guard let grpcTimeout else {
            return (replacesTimeout ? grpcMaximum : duration, replacesTimeout)
        }
        let limit = min(grpcTimeout, grpcMaximum)
        return (limit > grpcMargin ? limit - grpcMargin : 0, replacesTimeout)
    }
}

/// When a request is sent again, with times in nanoseconds; see ``RetryPolicy``.
public struct CompiledRetry: Sendable {
    public let conditions: RetryPolicy.Conditions
    public let retryCount: UInt32
    public let perTryTimeout: UInt64?
    public let baseInterval: UInt64
    public let maximumInterval: UInt64
}
