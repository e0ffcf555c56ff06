import Mesh
import XDS

/// All resources of one revision, encoded once and shared by all clients.
struct Catalog {
    /// What sidecars ask for; no service is called so.
    static let outbound = "outbound"
    static let inbound = "inbound"

    let revision: UInt64
    private let services: [String: ServiceResources]
    private let applications: [String: Service.Application]
    private let clusters: ResourceOffer.Collection
    private let assignments: ResourceOffer.Collection
    private let routes: ResourceOffer.Collection

    /// Encodes a world.
    ///
    /// - Parameters:
    ///   - world: What is to be in effect everywhere.
    ///   - previous: The catalog before; services that are the same are taken from there.
    /// - Throws: `MeshError` when a value of the world cannot be told to proxies.
    init(_ world: World, after previous: Catalog?) throws(MeshError) {
        var services: [String: ServiceResources] = [:]
        for (name, entry) in world.services {
            if let known = previous?.services[name], known.changedAt == entry.changedAt {
                services[name] = known
            } else {
                services[name] = try MeshError.at("services.\(name)") { () throws(MeshError) in
                    try ServiceResources(entry)
                }
            }
        }
        let ordered = world.names.compactMap { services[$0] }
        let outbound = try RouteConfiguration(
            name: Self.outbound, virtualHosts: ordered.map(\.virtualHost))
        let inbound = try Self.inboundRoutes()
        revision = world.revision
        self.services = services
        applications = world.services.mapValues(\.service.application)
        let version = "\(world.revision)"
        clusters = Self.collection(
            version, ordered.flatMap(\.clusters), sharing: previous?.clusters)
        assignments = Self.collection(
            version, ordered.flatMap(\.assignments), sharing: previous?.assignments)
        routes = .init(
            version: version,
            resources: [outbound.resource, inbound.resource] + ordered.map(\.routesForGRPC))
    }

    /// Reads the resources as a proxy would, and refuses what a proxy would refuse.
    ///
    /// - Parameter previous: The catalog before, whose resources a proxy has taken already.
    /// - Throws: `MeshError` with what the proxy would answer.
    func check(after previous: Catalog?) throws(MeshError) {
        var decoder = ResourceDecoder(rejectsUnknownFields: true)
        do throws(ResourceError) {
            for (name, service) in services
            where previous?.services[name]?.changedAt != service.changedAt {
                for cluster in service.clusters { _ = try decoder.cluster(cluster.body) }
                for assignment in service.assignments {
                    _ = try decoder.endpointAssignment(assignment.body)
                }
                _ = try decoder.routeConfiguration(service.routesForGRPC.body)
            }
            guard let body = routes.resources[Self.outbound]?.body else { return }
            let configuration = try decoder.routeConfiguration(body)
            for reference in configuration.clusterReferences
            where clusters.resources[reference.name] == nil {
                throw ResourceError(
                    .routeConfiguration, configuration.name, path: reference.path,
                    "there is no cluster \"\(reference.name)\"")
            }
        } catch {
            throw MeshError("", error.description)
        }
    }

    /// What there is for a sidecar or an Envoy, which take all listeners.
    func offer(for sidecar: SidecarProfile) throws(MeshError) -> ResourceOffer {
        let version = "\(revision)"
        var listeners = [
            try Listener(
                name: Self.outbound, host: sidecar.outbound.host, port: sidecar.outbound.port,
                direction: .outbound, routes: .discovered(Self.outbound),
                statPrefix: Self.outbound
            ).resource
        ]
        var clusters = clusters
        var assignments = assignments
        if let inbound = sidecar.inbound {
            listeners.append(
                try Listener(
                    name: Self.inbound, host: inbound.listener.host, port: inbound.listener.port,
                    direction: .inbound, routes: .discovered(Self.inbound),
                    statPrefix: Self.inbound
                ).resource)
            let application = applications[sidecar.service] ?? .http
            clusters.resources[Self.inbound] =
                try Cluster(
                    name: Self.inbound, discovery: .eds(serviceName: Self.inbound),
                    upstreamProtocol: application.upstreamProtocol
                ).resource
            let endpoint = try Endpoint(
                host: inbound.application.host, port: inbound.application.port)
            assignments.resources[Self.inbound] =
                try EndpointAssignment.atOnePlace(Self.inbound, [endpoint]).resource
        }
        return ResourceOffer(
            listeners: .init(version: version, resources: listeners), routeConfigurations: routes,
            clusters: clusters, endpointAssignments: assignments)
    }

    /// What there is for a gRPC client, which asks for a listener by the target that it calls.
    func offer(forTargets targets: [String]) -> ResourceOffer {
        let listeners = targets.compactMap { target -> Resource? in
            let name = ServiceResources.serviceName(inTarget: target)
            if services[name] == nil { return nil }
            return Listener.forGRPCClient(name: target, routeConfigurationName: name)
        }
        return ResourceOffer(
            listeners: .init(version: "\(revision)", resources: listeners),
            routeConfigurations: routes, clusters: clusters, endpointAssignments: assignments)
    }

    /// Resources of a revision, in the memory of those before when they are the same: then each
    /// client's are found equal without a look at them.
    private static func collection(
        _ version: String, _ resources: [Resource],
        sharing previous: ResourceOffer.Collection?
    ) -> ResourceOffer.Collection {
        let next = ResourceOffer.Collection(version: version, resources: resources)
        guard var shared = previous, shared.resources == next.resources else { return next }
        shared.version = version
        return shared
    }

    /// Everything that comes in goes to the program beside the sidecar, as long as that takes.
    private static func inboundRoutes() throws(MeshError) -> RouteConfiguration {
        let action = try ForwardAction(destination: .cluster(inbound), timeout: nil)
        let route = Route(
            name: "\(inbound)/default", match: RouteMatch(path: .prefix("/")),
            action: .forward(action))
        let host = try VirtualHost(name: inbound, domains: [.any], routes: [route])
        return try RouteConfiguration(name: inbound, virtualHosts: [host])
    }
}
