/// All that a server has for one client: for each type a version and the resources by name.
public struct ResourceOffer: Equatable, Sendable {
    public struct Collection: Equatable, Sendable {
        /// Not empty; it changes whenever a resource does.
        public var version: String
        public var resources: [String: Resource]

        public init(version: String, resources: [Resource]) {
            self.version = version
            self.resources = Dictionary(resources.map { ($0.name, $0) }) { _, last in last }
        }
    }

    public var listeners: Collection
    public var routeConfigurations: Collection
    public var clusters: Collection
    public var endpointAssignments: Collection
    public var secrets: Collection

    public init(
        listeners: Collection, routeConfigurations: Collection, clusters: Collection,
        endpointAssignments: Collection,
        secrets: Collection = Collection(version: "0", resources: [])
    ) {
        self.listeners = listeners
        self.routeConfigurations = routeConfigurations
        self.clusters = clusters
        self.endpointAssignments = endpointAssignments
        self.secrets = secrets
    }

    public subscript(type: ResourceType) -> Collection {
        switch type {
        case .listener: listeners
        case .routeConfiguration: routeConfigurations
        case .cluster: clusters
        case .endpointAssignment: endpointAssignments
        case .secret: secrets
        }
    }
}
