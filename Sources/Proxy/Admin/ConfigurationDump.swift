import Bytes
import Mesh
import RegularExpressions
import Telemetry
import XDS

/// The configuration in effect as `envoy.admin.v3.ConfigDump`.
///
/// What the control plane gave stands under `dynamic_…`; what has no version stands under
/// `static_…`, because it came from a file.
struct ConfigurationDump {
    let state: AdminState

    private static let prefix = "type.googleapis.com/envoy.admin.v3."

    /// One list of resources inside of a section.
    fileprivate struct Group {
        let name: String
        /// The type of its entries, when they are dumped alone.
        let type: String
        let entries: [(name: String, members: [(String, JSONValue)])]
    }

    fileprivate struct Section {
        let type: String
        let version: String?
        let groups: [Group]
    }

    func response(to request: AdminRequest) -> AdminResponse {
        if request.has("mask") {
            return AdminResponse(status: 400, text: "mask is not supported\n")
        }
        var pattern: RegularExpression?
        if let expression = request["name_regex"] {
            do throws(RegularExpressionError) {
                pattern = try RegularExpression(expression)
            } catch {
                return AdminResponse(status: 400, text: "Error while parsing name_regex\n")
            }
        }
        var sections = sections(includingEndpoints: request.has("include_eds"))
        sections = sections.map { section in
            Section(
                type: section.type, version: section.version,
                groups: section.groups.map { $0.matching(pattern) })
        }
        guard let resource = request["resource"] else {
            return AdminResponse(
                .object([("configs", .array([bootstrap] + sections.map(\.json)))]))
        }
        guard let group = sections.flatMap(\.groups).first(where: { $0.name == resource }) else {
            return AdminResponse(
                status: 404, text: "\(resource.onOneLine) not found in config dump\n")
        }
        let entries = group.entries.map { entry in
            JSONValue.object(
                [("@type", .string(Self.prefix + group.type))] + entry.members)
        }
        return AdminResponse(.object([("configs", .array(entries))]))
    }

    private var bootstrap: JSONValue {
        .object([
            ("@type", .string(Self.prefix + "BootstrapConfigDump")),
            ("bootstrap", .object([("node", state.node.json)])),
        ])
    }

    private func sections(includingEndpoints: Bool) -> [Section] {
        let snapshot = state.snapshot ?? Snapshot()
        let versions = snapshot.versions
        var sections = [
            listeners(snapshot, versions.listeners),
            section(
                "ClustersConfigDump", versions.clusters, field: "cluster",
                dynamic: ("dynamic_active_clusters", "ClustersConfigDump.DynamicCluster"),
                fixed: ("static_clusters", "ClustersConfigDump.StaticCluster"),
                showsVersion: true,
                snapshot.clusters.mapValues(\.redacted.resource)),
            section(
                "RoutesConfigDump", versions.routes, field: "route_config",
                dynamic: ("dynamic_route_configs", "RoutesConfigDump.DynamicRouteConfig"),
                fixed: ("static_route_configs", "RoutesConfigDump.StaticRouteConfig"),
                showsVersion: false, snapshot.routeConfigurations.mapValues(\.resource)),
        ]
        sections.append(secrets(snapshot, versions.secrets))
        if includingEndpoints {
            sections.append(
                section(
                    "EndpointsConfigDump", versions.endpoints, field: "endpoint_config",
                    dynamic: (
                        "dynamic_endpoint_configs", "EndpointsConfigDump.DynamicEndpointConfig"
                    ),
                    fixed: ("static_endpoint_configs", "EndpointsConfigDump.StaticEndpointConfig"),
                    showsVersion: false, snapshot.assignments.mapValues(\.resource)))
        }
        return sections
    }

    private func section(
        _ type: String, _ version: String, field: String,
        dynamic: (name: String, type: String), fixed: (name: String, type: String),
        showsVersion: Bool, _ resources: [String: Resource]
    ) -> Section {
        let isDynamic = !version.isEmpty
        let entries = resources.sorted { $0.key < $1.key }.map { name, resource in
            (name: name, members: members(field, resource, version))
        }
        let group = Group(
            name: isDynamic ? dynamic.name : fixed.name,
            type: isDynamic ? dynamic.type : fixed.type, entries: entries)
        return Section(type: type, version: showsVersion ? version : nil, groups: [group])
    }

    private func listeners(_ snapshot: Snapshot, _ version: String) -> Section {
        let isDynamic = !version.isEmpty
        let entries = snapshot.listeners.sorted { $0.key < $1.key }.map { name, listener in
            let members = members("listener", listener.redacted.resource, version)
            let shown: [(String, JSONValue)] =
                isDynamic ? [("name", .string(name)), ("active_state", .object(members))] : members
            return (name: name, members: shown)
        }
        let group = Group(
            name: isDynamic ? "dynamic_listeners" : "static_listeners",
            type: isDynamic
                ? "ListenersConfigDump.DynamicListener" : "ListenersConfigDump.StaticListener",
            entries: entries)
        return Section(type: "ListenersConfigDump", version: version, groups: [group])
    }

    private func secrets(_ snapshot: Snapshot, _ version: String) -> Section {
        let groups = [
            ("static_secrets", "SecretsConfigDump.StaticSecret", snapshot.fixedSecrets, ""),
            (
                "dynamic_active_secrets", "SecretsConfigDump.DynamicSecret", snapshot.secrets,
                version
            ),
        ].map { name, type, secrets, version in
            Group(
                name: name, type: type,
                entries: secrets.sorted { $0.key < $1.key }.map { name, secret in
                    let members = members("secret", secret.redacted.resource, version)
                    return (name: name, members: [("name", .string(name))] + members)
                })
        }
        return Section(type: "SecretsConfigDump", version: nil, groups: groups)
    }

    private func members(
        _ field: String, _ resource: Resource, _ version: String
    ) -> [(String, JSONValue)] {
        var members: [(String, JSONValue)] = []
        if !version.isEmpty { members.append(("version_info", .string(version))) }
        // A resource that was made from a value can always be written.
        let json = (try? resource.json()) ?? "{}"
        members.append((field, .message(json, type: resource.type.typeURL)))
        if let appliedAt = state.appliedAt {
            var text = Buffer()
            appliedAt.append(to: &text)
            members.append(("last_updated", .string(String(text.bytes))))
        }
        return members
    }
}

extension ConfigurationDump.Group {
    fileprivate func matching(_ pattern: RegularExpression?) -> Self {
        guard let pattern else { return self }
        return Self(
            name: name, type: type,
            entries: entries.filter { pattern.matches($0.name.utf8.span) })
    }
}

extension ConfigurationDump.Section {
    fileprivate var json: JSONValue {
        var members: [(String, JSONValue)] = [
            ("@type", .string("type.googleapis.com/envoy.admin.v3." + type))
        ]
        if let version, !version.isEmpty { members.append(("version_info", .string(version))) }
        for group in groups where !group.entries.isEmpty {
            members.append((group.name, .array(group.entries.map { .object($0.members) })))
        }
        return .object(members)
    }
}
