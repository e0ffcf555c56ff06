/// One client's stream as the server sees it: all types, and the order between them; no I/O.
///
/// A client gets clusters and endpoints before the routes that use them, and loses clusters only
/// after no route uses them any more (make before break). Times are counted from any fixed point.
public struct ServerStream: Sendable {
    /// What a request meant for which type.
    public enum Event: Equatable, Sendable {
        /// A type that this server does not have; there is nothing to answer.
        case unknownType(String)
        case request(ResourceType, ServerSubscription.Meaning)
    }

    /// Routes wait that long for a client that does not ask for endpoints or does not answer.
    public static let holdLimit = Duration.seconds(10)

    /// As the client told in the first request; `nil` before that.
    public private(set) var node: NodeIdentity?
    private var subscriptions: [ResourceType: ServerSubscription]
    private var offer: ResourceOffer?
    /// Clusters that are not offered any more, and that routes of the client may still use.
    private var lingering: [String: Resource] = [:]
    private var heldSince: Duration?
    private var nonceCount: UInt64 = 0

    public init() {
        subscriptions = Dictionary(
            uniqueKeysWithValues: ResourceType.allCases.map { ($0, ServerSubscription(type: $0)) })
    }

    public func subscription(_ type: ResourceType) -> ServerSubscription {
        subscriptions[type, default: ServerSubscription(type: type)]
    }

    /// Takes in what the client says; ``responses(at:)`` tells what to send then.
    public mutating func receive(_ request: DiscoveryRequest) -> Event {
        if node == nil { node = request.node }
        guard let type = ResourceType(typeURL: request.typeURL) else {
            return .unknownType(request.typeURL)
        }
        return .request(
            type, subscriptions[type, default: ServerSubscription(type: type)].receive(request))
    }

    /// There is something else for this client; ``responses(at:)`` tells what to send then.
    public mutating func update(_ offer: ResourceOffer) {
        self.offer = offer
        lingering = [:]
        let clusters = subscription(.cluster)
        // Only a client that has all clusters loses one by not being sent it. New weights leave all
        // of them in the memory where they were, which is seen without a look at each.
        guard clusters.interest == .everything,
            clusters.sentResources != offer.clusters.resources
        else { return }
        lingering = clusters.sentResources.filter { offer.clusters.resources[$0.key] == nil }
    }

    /// What to send now, in this order.
    public mutating func responses(at now: Duration) -> [DiscoveryResponse] {
        guard let offer else { return [] }
        var responses: [DiscoveryResponse] = []
        var clusters = offer.clusters
        clusters.resources.merge(lingering) { offered, _ in offered }
        append(.cluster, clusters, to: &responses)
        append(.endpointAssignment, offer.endpointAssignments, to: &responses)
        append(.secret, offer.secrets, to: &responses)
        guard mayRoutesFollow(clusters, at: now) else { return responses }
        append(.listener, offer.listeners, to: &responses)
        append(.routeConfiguration, offer.routeConfigurations, to: &responses)
        if !lingering.isEmpty, isUpToDate(.listener), isUpToDate(.routeConfiguration) {
            lingering = [:]
            append(.cluster, offer.clusters, to: &responses)
        }
        return responses
    }

    /// When ``responses(at:)`` has to be asked again although nothing happens until then.
    public var deadline: Duration? {
        heldSince.map { $0 + Self.holdLimit }
    }

    /// Whether the client has in effect all that there is for it.
    ///
    /// One that has only begun to ask has not: a listener is nothing without its routes.
    public var isUpToDate: Bool {
        guard hasAsked, lingering.isEmpty else { return false }
        return ResourceType.allCases.allSatisfy(isUpToDate)
    }

    private var hasAsked: Bool {
        let wantsRoutes =
            offer?.listeners.resources.isEmpty == false
            && offer?.routeConfigurations.resources.isEmpty == false
        let hasAskedForRoutes = subscription(.routeConfiguration).interest != .nothing
        return switch subscription(.listener).interest {
        case .nothing: false
        case .names: hasAskedForRoutes || !wantsRoutes
        case .everything:
            subscription(.cluster).interest != .nothing && hasAllEndpoints
                && (hasAskedForRoutes || !wantsRoutes)
        }
    }

    private func isUpToDate(_ type: ResourceType) -> Bool {
        offer.map { subscription(type).isUpToDate(with: $0[type]) } ?? false
    }

    private mutating func append(
        _ type: ResourceType, _ collection: ResourceOffer.Collection,
        to responses: inout [DiscoveryResponse]
    ) {
        let nonce = String(nonceCount + 1)
        let response = subscriptions[type]?.response(from: collection, nonce: nonce)
        guard let response else { return }
        nonceCount += 1
        responses.append(response)
    }

    /// Whether the client has all clusters and their endpoints, or had time enough.
    ///
    /// A gRPC client asks for listeners and clusters by name, the latter after it has the routes:
    /// it never waits here.
    private mutating func mayRoutesFollow(
        _ clusters: ResourceOffer.Collection, at now: Duration
    ) -> Bool {
        let isReady =
            switch (subscription(.cluster).interest, subscription(.listener).interest) {
            case (.names, _), (.nothing, .names): true
            // A proxy: it will ask for clusters, too.
            case (.nothing, .nothing), (.nothing, .everything): false
            case (.everything, _):
                subscription(.cluster).isUpToDate(with: clusters) && hasAllEndpoints
            }
        if isReady {
            heldSince = nil
            return true
        }
        let start = heldSince ?? now
        heldSince = start
        return now - start >= Self.holdLimit
    }

    private var hasAllEndpoints: Bool {
        guard isUpToDate(.endpointAssignment), let offer else { return false }
        let offered = offer.endpointAssignments.resources.keys
        return switch subscription(.endpointAssignment).interest {
        case .names(let names): offered.allSatisfy(names.contains)
        case .nothing: offered.isEmpty
        case .everything: true
        }
    }
}
