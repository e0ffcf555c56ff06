import Mesh
import SwiftProtobuf

/// Turns a bootstrap message, whose fields are all known, into what a proxy starts with.
struct BootstrapDecoder {
    private let message: Proto.Bootstrap
    private var decoder = ResourceDecoder(rejectsUnknownFields: true)

    init(_ message: Proto.Bootstrap) {
        self.message = message
    }

    consuming func bootstrap() throws(MeshError) -> Bootstrap {
        let controlCluster = try controlClusterName()
        let resources = message.staticResources
        var listeners: [Listener] = []
        for (index, listener) in resources.listeners.enumerated() {
            let path = "static_resources.listeners[\(index)]"
            do {
                listeners.append(try decoder.listener(listener))
            } catch {
                throw error.inside(path)
            }
            try requireUnique(listeners.map(\.name), path + ".name")
        }
        if let (first, second) = Listener.sharingAddress(listeners) {
            throw MeshError(
                "static_resources.listeners",
                "\"\(first)\" and \"\(second)\" have the same address")
        }
        var clusters: [Cluster] = []
        var controlPlane: Bootstrap.ControlPlane?
        for (index, cluster) in resources.clusters.enumerated() {
            let path = "static_resources.clusters[\(index)]"
            do {
                let isControl = cluster.name == controlCluster
                // The name of a control plane is resolved, and no other one.
                let isNamed = isControl && cluster.hasNames
                let decoded = try decoder.cluster(isNamed ? cluster.withoutNames : cluster)
                if isControl { controlPlane = try self.controlPlane(cluster, decoded) }
                if !isNamed { clusters.append(decoded) }
            } catch {
                throw error.inside(path)
            }
            try requireUnique(clusters.map(\.name), path + ".name")
        }
        if let controlCluster, controlPlane == nil {
            throw MeshError(
                Self.clusterPath, "static_resources has no cluster \"\(controlCluster)\"")
        }
        let secrets = try secrets()
        var bootstrap = Bootstrap(
            node: try node(), admin: nil, control: Bootstrap.HostAndPort(host: "", port: 0))
        bootstrap.admin = try admin()
        bootstrap.listeners = listeners
        bootstrap.clusters = clusters
        bootstrap.secrets = secrets
        bootstrap.controlPlane = controlPlane
        try checkReferences(bootstrap)
        try checkSecrets(of: bootstrap)
        return bootstrap
    }

    private mutating func secrets() throws(MeshError) -> [Secret] {
        var secrets: [Secret] = []
        for (index, secret) in message.staticResources.secrets.enumerated() {
            let path = "static_resources.secrets[\(index)]"
            do {
                secrets.append(try decoder.secret(secret))
            } catch {
                throw error.inside(path)
            }
            try requireUnique(secrets.map(\.name), path + ".name")
        }
        return secrets
    }

    private static let clusterPath =
        "dynamic_resources.ads_config.grpc_services[0].envoy_grpc.cluster_name"

    private func node() throws(MeshError) -> NodeIdentity {
        var node = NodeIdentity(message.node)
        if node.userAgentName.isEmpty { node.userAgentName = "pointsman" }
        // Envoy asks for both, too, since a control plane goes by them.
        if message.dynamicResources.hasAdsConfig {
            if node.id.isEmpty { throw MeshError("node.id", "must not be empty") }
            if node.cluster.isEmpty { throw MeshError("node.cluster", "must not be empty") }
        }
        return node
    }

    private func admin() throws(MeshError) -> Bootstrap.HostAndPort? {
        guard message.hasAdmin, message.admin.hasAddress else { return nil }
        do throws(MeshError) {
            let (host, port) = try message.admin.address.hostAndPort()
            try require(address: host, "socket_address.address")
            return Bootstrap.HostAndPort(host: host, port: port)
        } catch {
            throw error.inside("admin.address")
        }
    }

    /// - Returns: The cluster that has the control plane; `nil` when nothing is to be discovered.
    private func controlClusterName() throws(MeshError) -> String? {
        let dynamic = message.dynamicResources
        guard dynamic.hasAdsConfig else {
            try refuse(dynamic.hasLdsConfig, "dynamic_resources.lds_config without ads_config")
            try refuse(dynamic.hasCdsConfig, "dynamic_resources.cds_config without ads_config")
            return nil
        }
        let path = "dynamic_resources.ads_config"
        let config = dynamic.adsConfig
        if config.apiType != .grpc {
            throw MeshError(path + ".api_type", "only GRPC is supported")
        }
        if config.transportApiVersion != .v3 {
            throw MeshError(path + ".transport_api_version", "must be V3")
        }
        guard let service = config.grpcServices.first else {
            throw MeshError(path + ".grpc_services", "must not be empty")
        }
        try refuse(config.grpcServices.count > 1, path + ".grpc_services[1]")
        for (isSet, source, name) in [
            (dynamic.hasLdsConfig, dynamic.ldsConfig, "lds_config"),
            (dynamic.hasCdsConfig, dynamic.cdsConfig, "cds_config"),
        ] where isSet {
            try source.requireAggregated("dynamic_resources." + name)
            // Envoy refuses the file otherwise.
            if source.resourceApiVersion != .v3 {
                throw MeshError(
                    "dynamic_resources.\(name).resource_api_version", "must be V3")
            }
        }
        let name = service.envoyGrpc.clusterName
        if name.isEmpty { throw MeshError(Self.clusterPath, "must not be empty") }
        return name
    }

    private func controlPlane(
        _ cluster: Proto.Cluster, _ decoded: Cluster
    ) throws(MeshError) -> Bootstrap.ControlPlane {
        if decoded.upstreamProtocol != .http2 {
            throw MeshError(
                "typed_extension_protocol_options",
                "http2_protocol_options are missing, and gRPC is spoken over HTTP/2")
        }
        if decoded.secretReferences.contains(where: { $0.origin == .controlPlane }) {
            throw MeshError(
                "transport_socket", "takes a secret over the very connection that it secures")
        }
        var addresses: [Bootstrap.HostAndPort] = []
        for locality in cluster.loadAssignment.endpoints {
            for endpoint in locality.lbEndpoints {
                let (host, port) = try endpoint.endpoint.address.hostAndPort()
                addresses.append(Bootstrap.HostAndPort(host: host, port: port))
            }
        }
        guard let first = addresses.first, !first.host.isEmpty, first.port > 0 else {
            throw MeshError("load_assignment.endpoints", "has no address of a control plane")
        }
        let dynamic = message.dynamicResources
        let authority = dynamic.adsConfig.grpcServices.first?.envoyGrpc.authority ?? ""
        return Bootstrap.ControlPlane(
            addresses: addresses, authority: authority.isEmpty ? cluster.name : authority,
            security: decoded.security, discoversListeners: dynamic.hasLdsConfig,
            discoversClusters: dynamic.hasCdsConfig)
    }

    private func requireUnique(_ names: [String], _ path: String) throws(MeshError) {
        if let last = names.last, names.dropLast().contains(last) {
            throw MeshError(path, "\"\(last)\" stands twice")
        }
    }

    /// What the file does not explain must come from the control plane.
    private func checkReferences(_ bootstrap: Bootstrap) throws(MeshError) {
        for reference in bootstrap.staticSnapshot.missingReferences {
            switch reference {
            case .routeConfiguration(let name, let listener):
                if bootstrap.controlPlane != nil { continue }
                throw MeshError(
                    "static_resources.listeners",
                    "\"\(listener)\" wants route configuration \"\(name)\", "
                        + "and there is no ads_config to ask")
            case .cluster(let name, _, let path):
                // As Envoy, which checks routes in a file against the clusters in it.
                throw MeshError(
                    "static_resources.listeners", "unknown cluster \"\(name)\" at \(path)")
            case .assignment(let name, _):
                if bootstrap.controlPlane != nil { continue }
                throw MeshError(
                    "static_resources.clusters",
                    "endpoints \"\(name)\" come from EDS, and there is no ads_config to ask")
            }
        }
    }
    private func checkSecrets(of bootstrap: Bootstrap) throws(MeshError) {
        let snapshot = bootstrap.staticSnapshot
        let users =
            bootstrap.listeners.map { ("listeners", $0.name, $0.secretReferences) }
            + bootstrap.clusters.map { ("clusters", $0.name, $0.secretReferences) }
        for (list, name, references) in users {
            let path = "static_resources.\(list)"
            if let unknown = snapshot.unknownSecretName(in: references) {
                throw MeshError(
                    path,
                    "\"\(name)\" wants secret \"\(unknown)\", "
                        + "which static_resources.secrets does not have")
            }
            if bootstrap.controlPlane != nil { continue }
            if let discovered = references.first(where: { $0.origin == .controlPlane }) {
                throw MeshError(
                    path,
                    "\"\(name)\" wants secret \"\(discovered.name)\" of SDS, "
                        + "and there is no ads_config to ask")
            }
        }
    }
}

extension Snapshot {
    /// The first secret that only the bootstrap file could have, and that it does not have.
    func unknownSecretName(in references: [SecretReference]) -> String? {
        references.first { $0.origin == .bootstrap && fixedSecrets[$0.name] == nil }?.name
    }
}

extension Proto.Cluster {
    /// Whether its endpoints may be names.
    fileprivate var hasNames: Bool { type == .strictDns || type == .logicalDns }

    /// The same with an address in place of every name.
    fileprivate var withoutNames: Proto.Cluster {
        var cluster = self
        for locality in cluster.loadAssignment.endpoints.indices {
            for endpoint in cluster.loadAssignment.endpoints[locality].lbEndpoints.indices {
                cluster.loadAssignment.endpoints[locality].lbEndpoints[endpoint]
                    .endpoint.address.socketAddress.address = "127.0.0.1"
            }
        }
        return cluster
    }
}
