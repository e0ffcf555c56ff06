import Mesh

/// The whole configuration that can be put in effect now, and what has to wait and for what.
struct Assembly {
    private(set) var snapshot = Snapshot()
    /// Responses that say something that cannot be in effect yet.
    private(set) var held: Set<UInt64> = []
    /// Held for too long.
    private(set) var overdue: [(ConfigurationState.Pending, reason: String)] = []
    /// What is wanted and has not come.
    private(set) var missing: [ResourceType: Set<String>] = [
        .routeConfiguration: [], .endpointAssignment: [], .secret: [],
    ]
    /// What is done without, and was not before.
    private(set) var newlyAbandoned: [(ResourceType, String)] = []
    /// When something that waits has waited long enough.
    private(set) var deadline: Duration?

    private let state: ConfigurationState
    private let now: Duration

    init(_ state: ConfigurationState, at now: Duration) {
        self.state = state
        self.now = now
        addClusters()
        addListeners()
        retainClusters()
        addAssignments()
        addSecrets()
    }

    // MARK: Clusters

    private mutating func addClusters() {
        for (name, cluster) in state.wanted.clusters.merging(
            state.fixed.clusters,
            uniquingKeysWith: {
                $1
            })
        {
            let before = state.inEffect.clusters[name]
            guard state.failed.clusters[name] != cluster, isWarm(cluster),
                hasSecrets(cluster.discoveredSecretNames, isReplacing: before != nil)
            else {
                // The one of that name that is in effect does its work until then.
                snapshot.clusters[name] = before
                continue
            }
            snapshot.clusters[name] = cluster
        }
    }

    private mutating func isWarm(_ cluster: Cluster) -> Bool {
        guard let name = cluster.assignmentName, state.wanted.assignments[name] == nil else {
            return true
        }
        return isAbandoned(.endpointAssignment, name)
    }

    /// Whether it was waited for long enough; if not, it is waited for.
    private mutating func isAbandoned(_ type: ResourceType, _ name: String) -> Bool {
        missing[type, default: []].insert(name)
        let since = state.missingSince[type]?[name] ?? now
        if now - since < ConfigurationState.patience {
            wait(until: since + ConfigurationState.patience)
            return false
        }
        let wasInEffect =
            switch type {
            case .endpointAssignment: state.inEffect.assignments[name] != nil
            case .routeConfiguration: state.inEffect.routeConfigurations[name] != nil
            case .secret: state.abandonedSecrets.contains(name)
            case .listener, .cluster: true
            }
        if !wasInEffect { newlyAbandoned.append((type, name)) }
        return true
    }

    private mutating func wait(until time: Duration) {
        deadline = deadline.map { min($0, time) } ?? time
    }

    /// Keeps clusters that are gone, but that routes in effect still use.
    private mutating func retainClusters() {
        let configurations =
            Array(snapshot.routeConfigurations.values)
            + snapshot.listeners.values.compactMap(\.inlineRoutes)
        for configuration in configurations {
            for reference in configuration.clusterReferences
            where snapshot.clusters[reference.name] == nil {
                snapshot.clusters[reference.name] = state.inEffect.clusters[reference.name]
            }
        }
    }

    private mutating func addAssignments() {
        for cluster in snapshot.clusters.values {
            guard let name = cluster.assignmentName else { continue }
            // Without an answer the cluster is empty, which is a value that can always be made.
            snapshot.assignments[name] =
                state.wanted.assignments[name] ?? state.inEffect.assignments[name]
                ?? (try? EndpointAssignment(clusterName: name))
        }
    }

    // MARK: Secrets

    /// Whether all secrets are there, or were waited for long enough.
    ///
    /// What would replace something that works waits on: it is better than what speaks with nobody.
    private mutating func hasSecrets(_ names: [String], isReplacing: Bool) -> Bool {
        var isComplete = true
        for name in names where secret(name) == nil {
            if !isAbandoned(.secret, name) || isReplacing { isComplete = false }
        }
        return isComplete
    }

    private func secret(_ name: String) -> Secret? {
        let value = state.localSecrets[name] ?? state.wanted.secrets[name]
        if let value, state.failed.secrets[name] != value { return value }
        return state.inEffect.secrets[name]
    }

    /// All that have come, be their listener or cluster still waiting for others.
    private mutating func addSecrets() {
        snapshot.fixedSecrets = state.fixed.fixedSecrets
        let users = [state.wanted, state.fixed, snapshot]
        for name in Set(users.flatMap(\.discoveredSecretNames)) {
            snapshot.secrets[name] = secret(name)
        }
    }

    // MARK: Listeners and routes

    private mutating func addListeners() {
        for (name, listener) in state.wanted.listeners {
            if isToWait(listener) {
                for response in state.pending where response.type == .listener {
                    held.insert(response.id)
                }
            } else if add(listener) {
                continue
            }
            // The one of that name that is in effect does its work until then.
            if let before = state.inEffect.listeners[name] { _ = add(before) }
        }
        for listener in state.fixed.listeners.values where !isToWait(listener) {
            _ = add(listener)
        }
    }

    /// Whether a listener could not be opened just now.
    private mutating func isToWait(_ listener: Listener) -> Bool {
        guard let failure = state.failedListeners[listener.name], failure.listener == listener,
            now < failure.retry
        else { return false }
        wait(until: failure.retry)
        return true
    }

    /// - Returns: Whether its secrets and routes are there, too.
    private mutating func add(_ listener: Listener) -> Bool {
        let isReplacing = state.inEffect.listeners[listener.name].map { $0 != listener } ?? false
        guard hasSecrets(listener.discoveredSecretNames, isReplacing: isReplacing) else {
            return false
        }
        if let configuration = listener.inlineRoutes {
            let before = state.inEffect.listeners[listener.name]?.inlineRoutes
            let responses = state.pending.filter { $0.type == .listener }
            guard canUse(configuration, before: before, responses) else { return false }
        } else if let name = listener.routeConfigurationName,
            snapshot.routeConfigurations[name] == nil
        {
            guard let configuration = routes(name) else { return false }
            snapshot.routeConfigurations[name] = configuration
        }
        snapshot.listeners[listener.name] = listener
        return true
    }

    private mutating func routes(_ name: String) -> RouteConfiguration? {
        let before = state.inEffect.routeConfigurations[name]
        if let configuration = state.wanted.routeConfigurations[name] {
            let responses = state.pending.filter {
                $0.type == .routeConfiguration && $0.names.contains(name)
            }
            let isFailed = state.failed.routeConfigurations[name] == configuration
            if !isFailed, canUse(configuration, before: before, responses) { return configuration }
        }
        if let before { return before }
        // Without an answer there are no routes, which is a value that can always be made.
        guard isAbandoned(.routeConfiguration, name) else { return nil }
        return try? RouteConfiguration(name: name, virtualHosts: [])
    }

    /// Whether all clusters are there; if not, what brought the routes is held.
    private mutating func canUse(
        _ configuration: RouteConfiguration, before: RouteConfiguration?,
        _ responses: [ConfigurationState.Pending]
    ) -> Bool {
        if configuration == before { return true }
        guard
            let reference = configuration.clusterReferences.first(where: {
                snapshot.clusters[$0.name] == nil
            })
        else { return true }
        // A cluster that is there and waits for endpoints has its own time.
        let isKnown = state.wanted.clusters[reference.name] != nil
        for response in responses {
            held.insert(response.id)
            if isKnown { continue }
            let end = response.since + ConfigurationState.patience
            if now < end {
                wait(until: end)
            } else if !overdue.contains(where: { $0.0.id == response.id }) {
                let reason =
                    "\(ResourceType.routeConfiguration.name) \"\(configuration.name)\": "
                    + "\(reference.path): unknown cluster \"\(reference.name)\""
                overdue.append((response, reason))
            }
        }
        return false
    }
}

extension Snapshot {
    /// What a control plane gave: all that `fixed` does not have.
    func without(_ fixed: Snapshot) -> Snapshot {
        Snapshot(
            listeners: listeners.filter { fixed.listeners[$0.key] == nil },
            routeConfigurations: routeConfigurations,
            clusters: clusters.filter { fixed.clusters[$0.key] == nil },
            assignments: assignments, secrets: secrets, versions: versions)
    }
}

extension Snapshot.Versions {
    subscript(type: ResourceType) -> String {
        get {
            switch type {
            case .listener: listeners
            case .routeConfiguration: routes
            case .cluster: clusters
            case .endpointAssignment: endpoints
            case .secret: secrets
            }
        }
        set {
            switch type {
            case .listener: listeners = newValue
            case .routeConfiguration: routes = newValue
            case .cluster: clusters = newValue
            case .endpointAssignment: endpoints = newValue
            case .secret: secrets = newValue
            }
        }
    }

    var byType: [(ResourceType, String)] {
        ResourceType.allCases.map { ($0, self[$0]) }
    }
}
