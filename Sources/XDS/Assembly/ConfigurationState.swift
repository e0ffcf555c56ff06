public import Mesh

/// What a proxy makes of what a control plane says: whole configurations, one after the other.
///
/// Events go in with their time, actions come out; no I/O and no clock. Clusters come before the
/// routes that use them and go after them (make before break), and a response is accepted only
/// after what it says is in effect.
public struct ConfigurationState: Sendable {
    /// How long something waits for what it needs: a cluster for its endpoints, a listener for its
    /// routes, a route for its clusters (`initial_fetch_timeout` of Envoy).
    public static let patience = Duration.seconds(15)
    /// Most responses of one type that wait to be answered; the oldest are left unanswered then.
    public static let pendingLimit = 64
    /// The first pause before a listener that could not be opened is tried again; it doubles with
    /// every attempt, up to ``longestRetryPause``.
    public static let firstRetryPause = Duration.seconds(1)
    public static let longestRetryPause = Duration.seconds(60)

    public enum Action: Equatable, Sendable {
        case send(DiscoveryRequest)
        /// Answered with ``didApply(at:)`` or ``didFail(_:_:reason:at:)``; one at a time.
        case apply(Snapshot)
    }

    /// What is worth a line in the log or a count.
    public enum Notice: Equatable, Sendable {
        case accepted(ResourceType, version: String)
        case rejected(ResourceType, version: String, reason: String)
        /// Each field once.
        case unknownField(UnknownField)
        case unknownType(String)
        /// Something is used without what it waited for.
        case gaveUpWaiting(for: ResourceType, name: String)
        /// A resource that was accepted before could not be put in effect later.
        case failed(ResourceType, name: String, reason: String)
    }

    /// A response that is not answered yet.
    struct Pending: Sendable {
        let id: UInt64
        let type: ResourceType
        let receipt: ClientSubscription.Receipt
        /// Those of its names that no later response has brought again.
        var names: Set<String>
        let since: Duration
        /// Whether it is answered with a refusal, and will be accepted when a listener of it that
        /// could not be opened is.
        var isRefused = false
    }

    /// A listener that could not be put in effect, and is tried again without being sent again:
    /// whoever has its address now may let go of it.
    struct FailedListener: Sendable {
        let listener: Listener
        let attemptCount: Int
        let retry: Duration
    }

    /// The configuration that is on its way into effect.
    struct Flight: Sendable {
        let snapshot: Snapshot
        let covered: Set<UInt64>
    }

    public let node: NodeIdentity
    let fixed: Snapshot
    let discovers: Set<ResourceType>
    var decoder: ResourceDecoder
    var subscriptions: [ResourceType: ClientSubscription]
    var isNodeSent = false

    /// What the control plane wants, in effect or not.
    var wanted = Snapshot()
    /// Since when something is wanted that has not come.
    var missingSince: [ResourceType: [String: Duration]] = [:]
    /// What stands for the control plane's secrets of the same names; by name.
    var localSecrets: [String: Secret] = [:]
    /// Waited for in vain, which was said.
    var abandonedSecrets: Set<String> = []
    /// What could not be put in effect, and is not tried again until it is sent again.
    var failed = Snapshot()
    /// By name.
    var failedListeners: [String: FailedListener] = [:]
    var pending: [Pending] = []
    var flight: Flight?
    /// Tried and failed with nobody to blame; not tried again.
    var refusedSnapshot: Snapshot?
    public internal(set) var inEffect: Snapshot
    /// Whether a first whole configuration is in effect; from then on it stays so.
    public internal(set) var isReady = false
    /// When ``timeDidPass(at:)`` is due; `nil` when nothing waits.
    public internal(set) var deadline: Duration?
    var notices: [Notice] = []
    private var answeredTypes: Set<ResourceType> = []
    private var isResumed = false
    private var pendingCount: UInt64 = 0

    public init(_ bootstrap: Bootstrap, rejectsUnknownFields: Bool = false) {
        node = bootstrap.node
        fixed = bootstrap.staticSnapshot
        inEffect = Snapshot()
        decoder = ResourceDecoder(rejectsUnknownFields: rejectsUnknownFields)
        var discovers: Set<ResourceType> = []
        if let control = bootstrap.controlPlane {
            discovers = [.routeConfiguration, .endpointAssignment, .secret]
            if control.discoversListeners { discovers.insert(.listener) }
            if control.discoversClusters { discovers.insert(.cluster) }
        }
        self.discovers = discovers
        subscriptions = Dictionary(
            uniqueKeysWithValues: discovers.map { ($0, ClientSubscription(type: $0)) })
    }

    /// Puts in effect what is known without a control plane: the file's, and what was saved.
    public mutating func start(saved: SavedConfiguration?, at now: Duration) -> [Action] {
        if let saved, !discovers.isEmpty {
            wanted = saved.snapshot.without(fixed)
            isResumed = true
            for (type, version) in saved.snapshot.versions.byType {
                subscriptions[type]?.resume(version: version)
            }
        }
        _ = subscribe()
        return progress(at: now)
    }

    /// A stream stands.
    public mutating func streamDidOpen(at now: Duration) -> [Action] {
        isNodeSent = false
        var actions: [Action] = []
        for type in Self.order {
            if let request = subscriptions[type]?.streamDidOpen() { actions.append(send(request)) }
        }
        return actions
    }

    /// The stream is gone; all that is in effect stays so.
    public mutating func streamDidClose() {
        for type in Self.order { subscriptions[type]?.streamDidClose() }
    }

    /// A response has come.
    public mutating func receive(_ response: DiscoveryResponse, at now: Duration) -> [Action] {
        guard let type = ResourceType(typeURL: response.typeURL), discovers.contains(type) else {
            notices.append(.unknownType(response.typeURL))
            return []
        }
        guard let receipt = subscriptions[type]?.receive(response) else { return [] }
        do throws(ResponseError) {
            let resources = try decoded(type, response)
            take(resources, receipt, at: now)
        } catch {
            return reject(receipt, of: type, reason: error.description)
        }
        return subscribe() + progress(at: now)
    }

    /// Gives a secret that this proxy has of its own, such as its identity; what the control plane
    /// has under that name is not asked for.
    public mutating func setLocalSecret(_ secret: Secret, at now: Duration) -> [Action] {
        if localSecrets.updateValue(secret, forKey: secret.name) == secret { return [] }
        forgetFailures(ofUsersOf: [secret.name])
        return subscribe() + progress(at: now)
    }

    /// Time has come for what ``deadline`` announced.
    public mutating func timeDidPass(at now: Duration) -> [Action] {
        progress(at: now)
    }

    /// The snapshot of the latest ``Action/apply(_:)`` is in effect everywhere.
    public mutating func didApply(at now: Duration) -> [Action] {
        guard let flight else { return [] }
        self.flight = nil
        inEffect = flight.snapshot
        failedListeners = failedListeners.filter { inEffect.listeners[$0] != $1.listener }
        return accept(flight.covered) + subscribe() + progress(at: now)
    }

    /// The snapshot of the latest ``Action/apply(_:)`` is not in effect anywhere.
    ///
    /// - Parameters:
    ///   - type: Of the resource that is to blame.
    ///   - name: Of that resource.
    ///   - reason: For the control plane and the log.
    ///   - now: The time.
    /// - Returns: The NACK, and another try with the rest.
    public mutating func didFail(
        _ type: ResourceType, _ name: String, reason: String, at now: Duration
    ) -> [Action] {
        guard let flight else { return [] }
        self.flight = nil
        notices.append(.failed(type, name: name, reason: reason))
        let isBlamed = block(type, name, of: flight.snapshot, at: now)
        if !isBlamed { refusedSnapshot = flight.snapshot }
        let isWantedStill = wants(type, name, as: flight.snapshot)
        let explanation = "\(type.name) \"\(name)\": \(reason)"
        var actions: [Action] = []
        for response in pending {
            let isCause =
                isBlamed
                ? isWantedStill && response.type == type && response.names.contains(name)
                : flight.covered.contains(response.id)
            if !isCause { continue }
            if failedListeners[name] != nil, type == .listener {
                actions += rejectForNow(response, reason: explanation)
            } else {
                actions += rejectPending(response, reason: explanation)
            }
        }
        return actions + progress(at: now)
    }

    /// What happened since the last call.
    public mutating func takeNotices() -> [Notice] {
        defer { notices = [] }
        return notices
    }

    /// What is known of the control plane's last words, to be saved; without the file's part.
    public var saveable: SavedConfiguration {
        var snapshot = inEffect.without(fixed)
        snapshot.secrets = snapshot.secrets.filter { localSecrets[$0.key] == nil }
        return SavedConfiguration(cluster: node.cluster, snapshot: snapshot)
    }

    /// Clusters first, so that a server that answers in this order breaks nothing.
    static let order: [ResourceType] = [
        .cluster, .endpointAssignment, .secret, .listener, .routeConfiguration,
    ]
}

extension ConfigurationState {
    private mutating func decoded(
        _ type: ResourceType, _ response: DiscoveryResponse
    ) throws(ResponseError) -> DecodedResources {
        let known = decoder.unknownFields
        defer {
            for field in decoder.unknownFields.subtracting(known) {
                notices.append(.unknownField(field))
            }
        }
        let resources = try decoder.decode(type, response.resources)
        let taken: Set<String> =
            switch type {
            case .listener: Set(fixed.listeners.keys)
            case .cluster: Set(fixed.clusters.keys)
            case .routeConfiguration, .endpointAssignment, .secret: []
            }
        let clashes = resources.names.intersection(taken).sorted()
        if let name = clashes.first {
            let error = ResourceError(
                type, name, path: "name", "belongs to a static resource of the bootstrap file")
            throw ResponseError(errors: [error], errorCount: clashes.count)
        }
        let errors = resources.unknownSecrets(notIn: fixed)
        if !errors.isEmpty {
            throw ResponseError(
                errors: Array(errors.prefix(ResponseError.errorLimit)), errorCount: errors.count)
        }
        if case .listeners(let listeners) = resources,
            let (first, second) = Listener.sharingAddress(
                Array(listeners.values) + fixed.listeners.values)
        {
            let reason = "is that of listener \"\(first)\" already"
            let error = ResourceError(type, second, path: "address", reason)
            throw ResponseError(errors: [error], errorCount: 1)
        }
        return resources
    }

    private mutating func take(
        _ resources: DecodedResources, _ receipt: ClientSubscription.Receipt, at now: Duration
    ) {
        var names = resources.names
        let type: ResourceType
        switch resources {
        case .listeners(let values):
            type = .listener
            wanted.listeners = values
            failedListeners = failedListeners.filter { fixed.listeners[$0.key] != nil }
        case .clusters(let values):
            type = .cluster
            wanted.clusters = values
            failed.clusters = [:]
        case .routeConfigurations(let values):
            type = .routeConfiguration
            names.formIntersection(subscriptions[type]?.names ?? [])
            for name in names {
                wanted.routeConfigurations[name] = values[name]
                failed.routeConfigurations[name] = nil
            }
        case .endpointAssignments(let values):
            type = .endpointAssignment
            names.formIntersection(subscriptions[type]?.names ?? [])
            for name in names { wanted.assignments[name] = values[name] }
        case .secrets(let values):
            type = .secret
            names.formIntersection(subscriptions[type]?.names ?? [])
            for name in names { wanted.secrets[name] = values[name] }
            forgetFailures(ofUsersOf: names)
        }
        supersede(type, names)
        pendingCount += 1
        pending.append(
            Pending(id: pendingCount, type: type, receipt: receipt, names: names, since: now))
        answeredTypes.insert(type)
        refusedSnapshot = nil
    }

    /// New secrets are worth another try with what could not be put in effect.
    private mutating func forgetFailures(ofUsersOf names: Set<String>) {
        for name in names { failed.secrets[name] = nil }
        failed.clusters = failed.clusters.filter {
            names.isDisjoint(with: $0.value.discoveredSecretNames)
        }
        failedListeners = failedListeners.filter {
            names.isDisjoint(with: $0.value.listener.discoveredSecretNames)
        }
        refusedSnapshot = nil
    }

    /// What a later response replaces is not answered any more: servers look at the latest nonce.
    private mutating func supersede(_ type: ResourceType, _ names: Set<String>) {
        for index in pending.indices where pending[index].type == type {
            pending[index].names.subtract(names)
        }
        pending.removeAll {
            $0.type == type && (type.isStateOfTheWorld || $0.names.isEmpty)
        }
        let count = pending.count { $0.type == type }
        if count >= Self.pendingLimit, let oldest = pending.firstIndex(where: { $0.type == type }) {
            pending.remove(at: oldest)
        }
    }

    mutating func send(_ request: DiscoveryRequest) -> Action {
        var request = request
        if !isNodeSent {
            request.node = node
            isNodeSent = true
        }
        return .send(request)
    }

    mutating func accept(_ ids: Set<UInt64>) -> [Action] {
        var actions: [Action] = []
        for response in pending where ids.contains(response.id) {
            notices.append(.accepted(response.type, version: response.receipt.version))
            if let request = subscriptions[response.type]?.accept(response.receipt) {
                actions.append(send(request))
            }
        }
        pending.removeAll { ids.contains($0.id) }
        noteReadiness()
        return actions
    }

    private mutating func reject(
        _ receipt: ClientSubscription.Receipt, of type: ResourceType, reason: String
    ) -> [Action] {
        notices.append(.rejected(type, version: receipt.version, reason: reason))
        guard let request = subscriptions[type]?.reject(receipt, reason: reason) else { return [] }
        return [send(request)]
    }

    mutating func rejectPending(_ response: Pending, reason: String) -> [Action] {
        pending.removeAll { $0.id == response.id }
        return reject(response.receipt, of: response.type, reason: reason)
    }

    /// Refuses a response once, and keeps it, to accept it should it work later.
    private mutating func rejectForNow(_ response: Pending, reason: String) -> [Action] {
        guard let index = pending.firstIndex(where: { $0.id == response.id }),
            !pending[index].isRefused
        else { return [] }
        pending[index].isRefused = true
        return reject(response.receipt, of: response.type, reason: reason)
    }

    /// Ready means that the control plane has spoken, nothing that it wants is missing, and
    /// somebody can be served.
    mutating func noteReadiness() {
        if isReady || flight != nil { return }
        let first = discovers.intersection([.listener, .cluster])
        let hasSpoken = isResumed || first.isSubset(of: answeredTypes)
        let listeners = [wanted, fixed].flatMap(\.listeners.keys)
        let isServing = listeners.allSatisfy { inEffect.listeners[$0] != nil }
        isReady = hasSpoken && isServing && !inEffect.listeners.isEmpty
    }
}
