import Mesh
import XDS

func eds(_ name: String) throws -> Resource {
    try Cluster(name: name, discovery: .eds(serviceName: name)).resource
}

func assignment(_ name: String, port: UInt16 = 1) throws -> Resource {
    try EndpointAssignment(
        clusterName: name,
        localities: [
            try LocalityEndpoints(endpoints: [try Endpoint(host: "127.0.0.1", port: port)])
        ]
    ).resource
}

/// Without a port, one of its own.
func listener(_ name: String, routes: String, port: UInt16? = nil) throws -> Resource {
    let port = port ?? UInt16(name.utf8.last ?? 1)
    return try Listener(name: name, host: "127.0.0.1", port: port, routes: .discovered(routes))
        .resource
}

func routes(_ name: String, to clusters: [String], path: String = "/") throws -> Resource {
    let routes = try clusters.map { cluster in
        Route(
            match: RouteMatch(path: .prefix(path)),
            action: .forward(try ForwardAction(destination: .cluster(cluster))))
    }
    return try RouteConfiguration(
        name: name,
        virtualHosts: [try VirtualHost(name: "h", domains: [.any], routes: routes)]
    ).resource
}

/// A state with a sink that applies all but what is set to fail.
struct Proxy {
    var state: ConfigurationState
    var asked: [DiscoveryRequest] = []
    var notices: [ConfigurationState.Notice] = []
    var appliesAtOnce = true
    var failing: [String: String] = [:]
    private(set) var latestNonce = ""
    private(set) var applyCount = 0
    private(set) var brokenSnapshots: [Snapshot.MissingReference] = []
    /// Listeners and clusters that were to be put in effect without a secret before its time.
    private(set) var unprovided: [String] = []
    private var unapplied: Snapshot?
    private(set) var now = Duration.zero
    private var nonceCount = 0

    init(
        bootstrap: Bootstrap? = nil, saved: SavedConfiguration? = nil,
        failing: [String: String] = [:]
    ) throws {
        self.failing = failing
        let control = Bootstrap.HostAndPort(host: "127.0.0.1", port: 1)
        let node = NodeIdentity(id: "id", cluster: "c")
        state = ConfigurationState(
            bootstrap ?? Bootstrap(node: node, admin: nil, control: control))
        perform(state.start(saved: saved, at: now))
    }

    static func serving() throws -> Proxy {
        var proxy = try Proxy()
        proxy.open()
        try proxy.hear(.cluster, "1", [eds("a")])
        try proxy.hear(.endpointAssignment, "1", [assignment("a")])
        try proxy.hear(.listener, "1", [listener("l", routes: "r")])
        try proxy.hear(.routeConfiguration, "1", [routes("r", to: ["a"])])
        proxy.applyCount = 0
        return proxy
    }

    mutating func open() {
        perform(state.streamDidOpen(at: now))
    }

    mutating func hear(_ type: ResourceType, _ version: String, _ resources: [Resource]) throws {
        nonceCount += 1
        latestNonce = "n\(nonceCount)"
        hear(
            DiscoveryResponse(
                type: type, version: version, nonce: latestNonce, resources: resources))
    }

    mutating func hear(_ response: DiscoveryResponse) {
        perform(state.receive(response, at: now))
    }

    mutating func provide(_ secret: Secret) {
        perform(state.setLocalSecret(secret, at: now))
    }

    mutating func pass(_ time: Duration) {
        now = time
        perform(state.timeDidPass(at: now))
    }

    mutating func finishApply() {
        guard let snapshot = unapplied else { return }
        unapplied = nil
        applyCount += 1
        brokenSnapshots += snapshot.missingReferences
        noteUnprovided(in: snapshot)
        if let name = snapshot.secrets.values.first(where: isNewAndDamaged)?.name {
            perform(state.didFail(.secret, name, reason: "is damaged", at: now))
        } else if let name = snapshot.listeners.keys.first(where: { failing[$0] != nil }) {
            perform(state.didFail(.listener, name, reason: failing[name] ?? "", at: now))
        } else {
            perform(state.didApply(at: now))
        }
    }

    var rejections: [String] {
        notices.compactMap { notice in
            if case .rejected(_, _, let reason) = notice { reason } else { nil }
        }
    }

    func acceptedVersions(_ type: ResourceType) -> [String] {
        notices.compactMap { notice in
            if case .accepted(type, let version) = notice { version } else { nil }
        }
    }

    private func isNewAndDamaged(_ secret: Secret) -> Bool {
        state.inEffect.secrets[secret.name] != secret && secret.isDamaged
    }

    /// A secret may be missing after it was waited for, and not where something else would do.
    private mutating func noteUnprovided(in snapshot: Snapshot) {
        let before = state.inEffect
        let listeners = snapshot.listeners.map { name, value in
            let known = before.listeners[name]
            return (name, value.discoveredSecretNames, known != nil && known != value)
        }
        let clusters = snapshot.clusters.map { name, value in
            let known = before.clusters[name]
            return (name, value.discoveredSecretNames, known != nil && known != value)
        }
        for (name, secrets, isReplacing) in listeners + clusters {
            let isBroken = secrets.contains { secret in
                snapshot.secrets[secret] == nil
                    && (isReplacing
                        || !notices.contains(.gaveUpWaiting(for: .secret, name: secret)))
            }
            if isBroken { unprovided.append(name) }
        }
    }

    private mutating func perform(_ actions: [ConfigurationState.Action]) {
        notices += state.takeNotices()
        for action in actions {
            switch action {
            case .send(let request): asked.append(request)
            case .apply(let snapshot):
                unapplied = snapshot
                if appliesAtOnce { finishApply() }
            }
        }
        notices += state.takeNotices()
    }
}

extension Secret {
    /// Whether the sink of the tests is to refuse it.
    fileprivate var isDamaged: Bool {
        guard case .certificate(let certificate) = content else { return false }
        return certificate.privateKey == .inline(Array("damaged".utf8))
    }
}
