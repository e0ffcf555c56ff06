import Mesh
import XDS

/// All resources of one revision, encoded once and shared by all clients.
struct Catalog {
    /// What sidecars ask for; no service is called so.
    static let outbound = "outbound"
    static let inbound = "inbound"
    /// What a client may switch to with any service.
    private static let upgrades = ["websocket"]

    let revision: UInt64
    private let services: [String: ServiceResources]
    /// Those that every sidecar has, of services that are reached by an address.
    private let listeners: ResourceOffer.Collection
    private let clusters: ResourceOffer.Collection
    private let secureClusters: ResourceOffer.Collection
    private let assignments: ResourceOffer.Collection
    private let routes: ResourceOffer.Collection
    /// For a sidecar of a service that is not known.
    private let stranger: InboundResources
    /// What the catalog before does not have.
    private let news: [ServiceResources]

    /// Encodes a world.
    ///
    /// What is the same as before is taken from there, so that a change of one service among
    /// thousands costs little more than that service, and clients' resources are found equal
    /// without a look at them.
    ///
    /// - Parameters:
    ///   - world: What is to be in effect everywhere.
    ///   - trustDomain: Who vouches for callers and services; always the same.
    ///   - previous: The catalog before.
    /// - Throws: `MeshError` when a value of the world cannot be told to proxies.
    init(
        _ world: World, in trustDomain: TrustDomain = .standard, after previous: Catalog?
    ) throws(MeshError) {
        let version = "\(world.revision)"
        var services = previous?.services ?? [:]
        var listeners = previous?.listeners ?? .init(version: version, resources: [])
        var clusters = previous?.clusters ?? .init(version: version, resources: [])
        var secureClusters =
            previous?.secureClusters ?? .init(version: version, resources: [])
        var assignments = previous?.assignments ?? .init(version: version, resources: [])
        let inbound = try InboundResources.routes().resource
        var routes = previous?.routes ?? .init(version: version, resources: [inbound])
        var news: [ServiceResources] = []
        for (name, entry) in world.services where services[name]?.changedAt != entry.changedAt {
            let next = try MeshError.at("services.\(name)") { () throws(MeshError) in
                try ServiceResources(entry, in: trustDomain)
            }
            clusters.replace(services[name]?.clusters ?? [], with: next.clusters)
            secureClusters.replace(
                services[name]?.secureClusters ?? [], with: next.secureClusters)
            assignments.replace(services[name]?.assignments ?? [], with: next.assignments)
            routes.replace(
                services[name]?.routeConfigurations ?? [], with: next.routeConfigurations)
            listeners.replace(services[name]?.listeners ?? [], with: next.listeners)
            services[name] = next
            news.append(next)
        }
        for (name, gone) in services where world.services[name] == nil {
            clusters.replace(gone.clusters, with: [])
            secureClusters.replace(gone.secureClusters, with: [])
            assignments.replace(gone.assignments, with: [])
            routes.replace(gone.routeConfigurations, with: [])
            listeners.replace(gone.listeners, with: [])
            services[name] = nil
        }
        let hosts = world.names.compactMap { services[$0]?.virtualHost }
        routes.replace([], with: [.routeConfiguration(named: Self.outbound, with: hosts)])
        clusters.version = version
        secureClusters.version = version
        assignments.version = version
        routes.version = version
        listeners.version = version
        revision = world.revision
        self.services = services
        self.listeners = listeners
        self.clusters = clusters
        self.secureClusters = secureClusters
        self.assignments = assignments
        self.routes = routes
        stranger =
            if let previous {
                previous.stranger
            } else {
                try InboundResources(nil, in: trustDomain)
            }
        self.news = news
    }

    /// Reads what is new as a proxy would, and refuses what a proxy would refuse.
    ///
    /// - Throws: `MeshError` with what the proxy would answer.
    func check() throws(MeshError) {
        do throws(ResourceError) {
            for service in news { try service.check() }
        } catch {
            throw MeshError("", error.description)
        }
        if news.contains(where: { $0.address != nil }) { try checkAddresses() }
    }

    /// Two services at one address could not be told from each other.
    private func checkAddresses() throws(MeshError) {
        var owners: [EndpointAddress: String] = [:]
        for (name, service) in services.sorted(by: { $0.key < $1.key }) {
            guard let address = service.address else { continue }
            if let owner = owners.updateValue(name, forKey: address) {
                throw MeshError(
                    "services.\(name).listen", "\(address) is where \"\(owner)\" is reached")
            }
        }
    }

    /// Who the workloads of a service are; `nil` where no identity can have that name.
    func identity(ofService name: String) -> WorkloadIdentity? {
        services[name]?.identity ?? (try? WorkloadIdentity(account: name))
    }

    /// What there is for a sidecar or an Envoy, which take all listeners.
    func offer(for sidecar: SidecarProfile) throws(MeshError) -> ResourceOffer {
        var listeners = listeners
        listeners.resources[Self.outbound] =
            try Listener(
                name: Self.outbound, host: sidecar.outbound.host, port: sidecar.outbound.port,
                direction: .outbound, routes: .discovered(Self.outbound),
                statPrefix: Self.outbound, upgrades: Self.upgrades
            ).resource
        var clusters = sidecar.isSecure ? secureClusters : clusters
        var assignments = assignments
        let resources = services[sidecar.service]?.inbound ?? stranger
        if let inbound = sidecar.inbound,
            let listener = resources.listener(isSecure: sidecar.isSecure)
        {
            listeners.resources[Self.inbound] = listener.resource(
                host: inbound.listener.host, port: inbound.listener.port)
            clusters.resources[Self.inbound] = resources.cluster
            let endpoint = try Endpoint(
                host: inbound.application.host, port: inbound.application.port)
            assignments.resources[Self.inbound] =
                try EndpointAssignment.atOnePlace(Self.inbound, [endpoint]).resource
        }
        return ResourceOffer(
            listeners: listeners, routeConfigurations: routes, clusters: clusters,
            endpointAssignments: assignments)
    }

    /// What there is for a gRPC client, which asks for a listener by the target that it calls.
    func offer(forTargets targets: [String]) -> ResourceOffer {
        let listeners = targets.compactMap { target -> Resource? in
            let name = ServiceResources.serviceName(inTarget: target)
            if services[name]?.virtualHost == nil { return nil }
            return Listener.forGRPCClient(name: target, routeConfigurationName: name)
        }
        return ResourceOffer(
            listeners: .init(version: "\(revision)", resources: listeners),
            routeConfigurations: routes, clusters: clusters, endpointAssignments: assignments)
    }
}

extension ResourceOffer.Collection {
    /// Does nothing, and so leaves the memory shared, where nothing differs.
    fileprivate mutating func replace(_ old: [Resource], with new: [Resource]) {
        if old == new { return }
        for resource in old { resources[resource.name] = nil }
        for resource in new { resources[resource.name] = resource }
    }
}
