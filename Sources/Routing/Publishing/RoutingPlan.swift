public import Mesh

/// The routing of one snapshot, from which each worker gets tables of its own.
public struct RoutingPlan: Sendable {
    /// Where a route configuration comes from; inline ones of several listeners may share a name.
    enum Source: Hashable, Sendable {
        case discovered(String)
        case listener(String)
    }

    /// Rises with every plan that differs from the one before.
    public let number: UInt64
    /// The names of all clusters that routes use, in order; ``Destination/cluster`` counts in it.
    public let clusterNames: [String]
    /// By the name of the listener.
    let sources: [String: Source]
    let configurations: [Source: RouteConfiguration]
    /// By virtual host and route; `nil` where a route has no split.
    let splits: [Source: [[PlannedSplit?]]]

    init(
        number: UInt64, sources: [String: Source],
        configurations: [Source: RouteConfiguration], splits: [Source: [[PlannedSplit?]]]
    ) {
        self.number = number
        self.sources = sources
        self.configurations = configurations
        self.splits = splits
        var names: Set<String> = []
        for configuration in configurations.values {
            for reference in configuration.clusterReferences { names.insert(reference.name) }
        }
        clusterNames = names.sorted()
    }

    /// Compiles the tables of one worker, by the name of the listener; a listener whose routes are
    /// not there yet has none.
    ///
    /// It takes a few microseconds a route: call it on the thread that publishes, once for each
    /// worker.
    public func makeTables() -> [String: RouteTable] {
        let clusters = Dictionary(
            uniqueKeysWithValues: clusterNames.enumerated().map { ($1, Int32(clamping: $0)) })
        let tables = configurations.reduce(into: [Source: RouteTable]()) { tables, element in
            let compiler = RoutesCompiler(
                element.value, splits: splits[element.key] ?? [], clusters: clusters)
            tables[element.key] = RouteTable(CompiledRoutes(compiler))
        }
        return sources.compactMapValues { tables[$0] }
    }
}

extension RouteTable {
    /// Compiles a configuration on its own, with sequences that begin here.
    ///
    /// - Returns: The table, and the names that ``Destination/cluster`` counts in.
    public static func compile(
        _ configuration: RouteConfiguration, seed: UInt64
    ) throws(MeshError) -> (table: RouteTable, clusterNames: [String]) {
        let listener = try Listener(
            name: "listener", host: "::", port: 0, routes: .inline(configuration))
        var state = RoutingState(seed: seed)
        let plan = state.publish(Snapshot(listeners: [listener.name: listener]))
        guard let table = plan.makeTables()[listener.name] else {
            throw MeshError("", "a listener with inline routes always has a table")
        }
        return (table, plan.clusterNames)
    }
}
