import Mesh
import XDS

/// One client's stream: what it asks for, what it is sent, and what it has in effect; no I/O.
final class Subscriber {
    /// What a message of the client led to.
    enum Verdict: Equatable {
        case goOn
        /// The stream is to be ended.
        case end(Ending)
    }

    /// Why a stream is ended; the reason is for the client.
    enum Ending: Equatable {
        case invalid(String)
        /// The client is not what it says that it is.
        case notAllowed(String)
        /// The certificate that the client came with is not good any more.
        case certificateEnded
    }

    /// What kind of client it is, by how it asks for listeners.
    private enum Client: Equatable {
        case unknown
        case sidecar(SidecarProfile)
        case grpc(targets: [String])
    }

    /// The most names that a client may ask for of one type.
    static let nameCountLimit = 100_000
    /// The most types that this server does not have and answers nevertheless.
    private static let otherTypeLimit = 16

    /// Who the client is for the fleet.
    let stream: UInt64
    private let address: String
    /// Who has opened the stream; `nil` where nobody has to show who he is.
    private let verified: VerifiedClient?
    private let secrets: StreamSecrets?
    /// Told when the stream is to be ended and no message of the client is the cause.
    var onEnd: (Ending) -> Void = { _ in }
    private let fleet: Fleet
    private let now: () -> Int64
    private let send: ([UInt8]) -> Void
    private var state = ServerStream()
    private var catalog: Catalog
    private var offer: ResourceOffer?
    private var client = Client.unknown
    /// The latest revision that was in effect.
    private var revision: UInt64?
    /// The latest revision that the fleet knows to be refused.
    private var refusedRevision: UInt64 = 0
    private var answeredTypes: Set<String> = []

    /// Begins with a client that has said nothing.
    ///
    /// - Parameters:
    ///   - stream: Names the stream; larger than those before.
    ///   - address: Where the client connects from.
    ///   - verified: Who it is; `nil` where nobody has to show it.
    ///   - catalog: What there is.
    ///   - fleet: Is told what becomes of the client.
    ///   - now: The time in milliseconds since 1970.
    ///   - send: Sends a message to the client.
    init(
        stream: UInt64, address: String, verified: VerifiedClient?, catalog: Catalog,
        fleet: Fleet, now: @escaping () -> Int64, send: @escaping ([UInt8]) -> Void
    ) {
        self.stream = stream
        self.address = address
        self.verified = verified
        secrets = verified.map { StreamSecrets($0, address: address) }
        self.catalog = catalog
        self.fleet = fleet
        self.now = now
        self.send = send
    }

    /// Takes a message of the client, and sends what is due then.
    func receive(_ message: [UInt8], at time: Duration) -> Verdict {
        let request: DiscoveryRequest
        do {
            request = try DiscoveryRequest(decoding: message)
        } catch {
            return .end(.invalid("the message is not a DiscoveryRequest"))
        }
        if request.resourceNames.count > Self.nameCountLimit {
            return .end(.invalid("more than \(Self.nameCountLimit) names are asked for"))
        }
        let isFirst = state.node == nil
        let event = state.receive(request)
        guard let node = state.node else {
            return .end(.invalid("the first request of a stream must name the node"))
        }
        if let reason = claimFault { return .end(.notAllowed(reason)) }
        do {
            if isFirst { try begin(node) }
            try meet(request, from: node)
        } catch {
            return .end(.invalid(error.description))
        }
        switch event {
        case .unknownType(let typeURL): answerNothing(typeURL)
        case .request(.secret, .refusal(_, let reason)):
            // Secrets have versions of their own.
            refuse(.secret, revision: catalog.revision, reason: reason)
        case .request(let type, .refusal(let version, let reason)):
            refuse(type, revision: UInt64(version) ?? 0, reason: reason)
        case .request: break
        }
        renewSecrets(at: time)
        sendWhatIsDue(at: time)
        return .goOn
    }

    /// There is a later revision: sends what differs.
    func update(_ catalog: Catalog, at time: Duration) {
        self.catalog = catalog
        if let reason = claimFault { return onEnd(.notAllowed(reason)) }
        // A profile that was good for one catalog is so for the next.
        try? renewOffer()
        sendWhatIsDue(at: time)
    }

    /// Sends what was held back for long enough.
    func tick(at time: Duration) {
        if verified?.hasEnded == true { return onEnd(.certificateEnded) }
        let hasSecrets = renewSecrets(at: time)
        if hasSecrets || state.deadline.map({ $0 <= time }) ?? false { sendWhatIsDue(at: time) }
    }

    func end() {
        fleet.disconnect(stream)
    }

    /// What is wrong with the service that the client says that it is; `nil` when nothing is.
    private var claimFault: String? {
        guard let verified, let service = state.node?.cluster, !service.isEmpty else { return nil }
        if catalog.identity(ofService: service) == verified.identity { return nil }
        return "\(verified.identity) is not the identity of service \"\(printable(service))\""
    }

    private func begin(_ node: NodeIdentity) throws(MeshError) {
        client = .sidecar(try SidecarProfile(node, isSecure: verified != nil))
        let agent = [node.userAgentName, node.userAgentVersion].filter { !$0.isEmpty }
        fleet.connect(
            stream,
            Fleet.Proxy(
                id: node.id.isEmpty ? address : bounded(node.id),
                service: bounded(node.cluster), address: address,
                userAgent: bounded(agent.joined(separator: "/")), connectedAt: now(),
                identity: verified.map { "\($0.identity)" }))
        try renewOffer()
    }

    /// A client that asks for listeners by name is a gRPC client; others take all that there are.
    private func meet(
        _ request: DiscoveryRequest, from node: NodeIdentity
    ) throws(MeshError) {
        guard ResourceType(typeURL: request.typeURL) == .listener else { return }
        let names = request.resourceNames
        let sidecarNames = [Catalog.outbound, Catalog.inbound, "*"]
        let next: Client
        if names.allSatisfy(sidecarNames.contains) {
            // Whoever asks for nothing any more stays what it was.
            if names.isEmpty, case .grpc = client { return }
            next = .sidecar(try SidecarProfile(node, isSecure: verified != nil))
        } else {
            next = .grpc(targets: names)
        }
        if next == client { return }
        client = next
        try renewOffer()
    }

    private func renewOffer() throws(MeshError) {
        var offer: ResourceOffer
        switch client {
        case .unknown: return
        case .sidecar(let profile): offer = try catalog.offer(for: profile)
        case .grpc(let targets): offer = catalog.offer(forTargets: targets)
        }
        if let secrets { offer.secrets = secrets.collection }
        self.offer = offer
        state.update(offer)
    }

    /// Makes the secrets that are due; whether there are other ones then.
    @discardableResult private func renewSecrets(at time: Duration) -> Bool {
        guard let secrets, secrets.renew(for: state.subscription(.secret).interest, at: time) else {
            return false
        }
        try? renewOffer()
        return true
    }

    /// Tells a client that asks for a type that is not here that there is nothing of it, once.
    private func answerNothing(_ typeURL: String) {
        guard answeredTypes.count < Self.otherTypeLimit,
            answeredTypes.insert(typeURL).inserted
        else { return }
        let response = DiscoveryResponse(
            typeURL: typeURL, version: "\(catalog.revision)", nonce: "0", resources: [],
            controlPlane: "pointsman-control")
        send(response.encoded)
    }

    private func refuse(_ type: ResourceType, revision: UInt64, reason: String) {
        refusedRevision = max(refusedRevision, revision)
        fleet.refuse(
            stream,
            Fleet.Refusal(
                type: type.rawValue, revision: revision,
                reason: bounded(reason, to: Fleet.reasonLimit)))
    }

    /// What was refused stays refused with every revision that still has it.
    private func repeatRefusals() {
        guard let offer, refusedRevision < catalog.revision else { return }
        for type in ResourceType.allCases {
            guard let reason = state.subscription(type).refusal(of: offer[type]) else { continue }
            refuse(type, revision: catalog.revision, reason: reason)
            return
        }
    }

    private func sendWhatIsDue(at time: Duration) {
        for var response in state.responses(at: time) {
            response.controlPlane = "pointsman-control"
            send(response.encoded)
        }
        repeatRefusals()
        guard let latest = revisionInEffect else { return }
        // What was in effect once stays so, whatever is on its way now.
        if let revision, revision >= latest { return }
        revision = latest
        fleet.advance(stream, to: latest)
    }

    /// The revision up to which the client has accepted all that it asked for.
    ///
    /// `nil` before it has listeners, and routes if there are listeners.
    private var revisionInEffect: UInt64? {
        guard let offer, state.subscription(.listener).interest != .nothing else { return nil }
        let hasListeners = !state.subscription(.listener).sentResources.isEmpty
        if hasListeners, state.subscription(.routeConfiguration).interest == .nothing {
            return nil
        }
        var revision = catalog.revision
        for type in ResourceType.allCases where type != .secret {
            let subscription = state.subscription(type)
            if subscription.isUpToDate(with: offer[type]) { continue }
            guard let accepted = UInt64(subscription.acceptedVersion) else { return nil }
            revision = min(revision, accepted)
        }
        return revision
    }

    private func bounded(_ text: String, to limit: Int = Fleet.nameLimit) -> String {
        String(decoding: text.utf8.prefix(limit), as: UTF8.self)
    }
}
