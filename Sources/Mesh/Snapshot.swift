/// One configuration of a proxy, whole and consistent: what is swapped in between two turns.
public struct Snapshot: Equatable, Sendable {
    /// What the control plane called the state of each type (`version_info`); empty when static.
    public struct Versions: Equatable, Sendable {
        public var listeners: String
        public var routes: String
        public var clusters: String
        public var endpoints: String
        public var secrets: String

        public init(
            listeners: String = "", routes: String = "", clusters: String = "",
            endpoints: String = "", secrets: String = ""
        ) {
            self.listeners = listeners
            self.routes = routes
            self.clusters = clusters
            self.endpoints = endpoints
            self.secrets = secrets
        }
    }

    /// By name.
    public var listeners: [String: Listener]
    /// By name; inline ones stand in their listener.
    public var routeConfigurations: [String: RouteConfiguration]
    /// By name.
    public var clusters: [String: Cluster]
    /// By the name under which EDS has them.
    public var assignments: [String: EndpointAssignment]
    /// By name; those of the control plane, and what stands for them.
    ///
    /// One that is used and is not there has not come: who needs it has no peers.
    public var secrets: [String: Secret]
    /// By name; those of the bootstrap file.
    public var fixedSecrets: [String: Secret]
    public var versions: Versions

    public init(
        listeners: [String: Listener] = [:],
        routeConfigurations: [String: RouteConfiguration] = [:],
        clusters: [String: Cluster] = [:],
        assignments: [String: EndpointAssignment] = [:],
        secrets: [String: Secret] = [:],
        fixedSecrets: [String: Secret] = [:],
        versions: Versions = Versions()
    ) {
        self.listeners = listeners
        self.routeConfigurations = routeConfigurations
        self.clusters = clusters
        self.assignments = assignments
        self.secrets = secrets
        self.fixedSecrets = fixedSecrets
        self.versions = versions
    }

    /// A name that one part of a snapshot uses and no other part explains.
    public enum MissingReference: Hashable, Sendable {
        case routeConfiguration(String, listener: String)
        /// `path` leads to the route inside its configuration.
        case cluster(String, routeConfiguration: String, path: String)
        case assignment(String, cluster: String)
    }

    /// What is used and not there, in a stable order; empty when the snapshot can be put in effect.
    public var missingReferences: [MissingReference] {
        var missing: [MissingReference] = []
        for (name, listener) in listeners.sorted(by: { $0.key < $1.key }) {
            if let configuration = listener.inlineRoutes {
                missing += missingClusters(in: configuration)
            } else if let routes = listener.routeConfigurationName,
                routeConfigurations[routes] == nil
            {
                missing.append(.routeConfiguration(routes, listener: name))
            }
        }
        for (_, configuration) in routeConfigurations.sorted(by: { $0.key < $1.key }) {
            missing += missingClusters(in: configuration)
        }
        for (name, cluster) in clusters.sorted(by: { $0.key < $1.key }) {
            if let assignment = cluster.assignmentName, assignments[assignment] == nil {
                missing.append(.assignment(assignment, cluster: name))
            }
        }
        return missing
    }

    private func missingClusters(in configuration: RouteConfiguration) -> [MissingReference] {
        configuration.clusterReferences.compactMap { reference in
            if clusters[reference.name] != nil { return nil }
            return .cluster(
                reference.name, routeConfiguration: configuration.name, path: reference.path)
        }
    }
}

extension Snapshot {
    /// The secrets that listeners and clusters want of the control plane.
    public var discoveredSecretNames: Set<String> {
        var names: Set<String> = []
        for listener in listeners.values { names.formUnion(listener.discoveredSecretNames) }
        for cluster in clusters.values { names.formUnion(cluster.discoveredSecretNames) }
        return names
    }
}

extension Listener {
    /// The secrets that its chains use.
    public var secretReferences: [SecretReference] {
        chains.flatMap { $0.security?.secretReferences ?? [] }
    }

    /// Those that the control plane has.
    public var discoveredSecretNames: [String] { secretReferences.discoveredNames }
}

extension Cluster {
    /// The secrets that are used towards its endpoints.
    public var secretReferences: [SecretReference] { security?.secretReferences ?? [] }

    /// Those that the control plane has.
    public var discoveredSecretNames: [String] { secretReferences.discoveredNames }
}

extension [SecretReference] {
    fileprivate var discoveredNames: [String] {
        filter { $0.origin == .controlPlane }.map(\.name)
    }
}

extension RouteConfiguration {
    /// Every cluster that a route names, and where it does.
    public var clusterReferences: [(name: String, path: String)] {
        var references: [(name: String, path: String)] = []
        for (hostIndex, host) in virtualHosts.enumerated() {
            for (routeIndex, route) in host.routes.enumerated() {
                guard case .forward(let action) = route.action else { continue }
                let path = "virtual_hosts[\(hostIndex)].routes[\(routeIndex)].route"
                for name in action.clusterNames { references.append((name, path)) }
            }
        }
        return references
    }
}
