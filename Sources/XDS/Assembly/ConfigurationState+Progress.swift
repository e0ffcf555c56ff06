import Mesh

extension ConfigurationState {
    /// Looks at what there is, and puts in effect what can be.
    mutating func progress(at now: Duration) -> [Action] {
        if flight != nil { return [] }
        var actions: [Action] = []
        var assembly = Assembly(self, at: now)
        if !assembly.overdue.isEmpty {
            for (response, reason) in assembly.overdue {
                actions += refuseRoutes(of: response, reason: reason)
            }
            assembly = Assembly(self, at: now)
        }
        noteMissing(assembly, at: now)
        deadline = assembly.deadline
        let covered = Set(pending.filter { !assembly.held.contains($0.id) }.map(\.id))
        var snapshot = assembly.snapshot
        snapshot.versions = versions(covered)
        if snapshot == inEffect {
            if covered.isEmpty {
                noteReadiness()
                return actions
            }
            return actions + accept(covered) + subscribe()
        }
        if snapshot == refusedSnapshot { return actions }
        flight = Flight(snapshot: snapshot, covered: covered)
        return actions + [.apply(snapshot)]
    }

    /// Asks for the routes of all listeners, the endpoints of all clusters and the secrets of both,
    /// wanted or in effect.
    mutating func subscribe() -> [Action] {
        var routes: Set<String> = []
        var assignments: Set<String> = []
        var secrets: Set<String> = []
        for snapshot in [wanted, fixed, inEffect] {
            routes.formUnion(snapshot.listeners.values.compactMap(\.routeConfigurationName))
            assignments.formUnion(snapshot.clusters.values.compactMap(\.assignmentName))
            secrets.formUnion(snapshot.discoveredSecretNames)
        }
        secrets.subtract(localSecrets.keys)
        wanted.routeConfigurations = wanted.routeConfigurations.filter { routes.contains($0.key) }
        wanted.assignments = wanted.assignments.filter { assignments.contains($0.key) }
        wanted.secrets = wanted.secrets.filter { secrets.contains($0.key) }
        var actions: [Action] = []
        for (type, names) in [
            (ResourceType.endpointAssignment, assignments), (.secret, secrets),
            (.routeConfiguration, routes),
        ] {
            guard let request = subscriptions[type]?.subscribe(to: names) else { continue }
            actions.append(send(request))
        }
        return actions
    }

    /// Remembers that the value of `name` in `snapshot` does not work.
    ///
    /// - Returns: Whether that is news, so that another try is worth it.
    mutating func block(
        _ type: ResourceType, _ name: String, of snapshot: Snapshot, at now: Duration
    ) -> Bool {
        switch type {
        case .listener:
            guard let value = snapshot.listeners[name], value != inEffect.listeners[name]
            else { return false }
            let before = failedListeners[name].flatMap { $0.listener == value ? $0 : nil }
            let attemptCount = (before?.attemptCount ?? 0) + 1
            let pause = Self.firstRetryPause * (1 << min(attemptCount - 1, 6))
            failedListeners[name] = FailedListener(
                listener: value, attemptCount: attemptCount,
                retry: now + min(pause, Self.longestRetryPause))
        case .routeConfiguration:
            guard let value = snapshot.routeConfigurations[name],
                value != inEffect.routeConfigurations[name],
                failed.routeConfigurations[name] != value
            else { return false }
            failed.routeConfigurations[name] = value
        case .cluster:
            guard let value = snapshot.clusters[name], value != inEffect.clusters[name],
                failed.clusters[name] != value
            else { return false }
            failed.clusters[name] = value
        case .secret:
            guard let value = snapshot.secrets[name], value != inEffect.secrets[name],
                failed.secrets[name] != value
            else { return false }
            failed.secrets[name] = value
        case .endpointAssignment: return false
        }
        return true
    }

    /// Whether what is wanted now is what `snapshot` has, and not something that came meanwhile.
    func wants(_ type: ResourceType, _ name: String, as snapshot: Snapshot) -> Bool {
        switch type {
        case .listener: wanted.listeners[name] == snapshot.listeners[name]
        case .routeConfiguration:
            wanted.routeConfigurations[name] == snapshot.routeConfigurations[name]
        case .cluster: wanted.clusters[name] == snapshot.clusters[name]
        case .endpointAssignment: wanted.assignments[name] == snapshot.assignments[name]
        case .secret: wanted.secrets[name] == snapshot.secrets[name]
        }
    }

    /// Goes back to the routes in effect where those of `response` waited for too long.
    private mutating func refuseRoutes(of response: Pending, reason: String) -> [Action] {
        switch response.type {
        case .routeConfiguration:
            for name in response.names {
                wanted.routeConfigurations[name] = inEffect.routeConfigurations[name]
            }
        case .listener:
            wanted.listeners = inEffect.listeners.filter { fixed.listeners[$0.key] == nil }
        case .cluster, .endpointAssignment, .secret: break
        }
        return rejectPending(response, reason: reason)
    }

    private mutating func noteMissing(_ assembly: Assembly, at now: Duration) {
        for (type, names) in assembly.missing {
            let before = missingSince[type, default: [:]]
            var since: [String: Duration] = [:]
            for name in names { since[name] = before[name] ?? now }
            missingSince[type] = since
        }
        for (type, name) in assembly.newlyAbandoned {
            notices.append(.gaveUpWaiting(for: type, name: name))
            if type == .secret { abandonedSecrets.insert(name) }
        }
        abandonedSecrets.formIntersection(assembly.missing[.secret] ?? [])
    }

    private func versions(_ covered: Set<UInt64>) -> Snapshot.Versions {
        var versions = Snapshot.Versions()
        for type in Self.order {
            versions[type] = subscriptions[type]?.acceptedVersion ?? ""
        }
        for response in pending where covered.contains(response.id) {
            versions[response.type] = response.receipt.version
        }
        return versions
    }
}
