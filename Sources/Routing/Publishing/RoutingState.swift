import Bytes
public import Mesh

/// What routing remembers from push to push, on the thread that publishes.
///
/// A split whose weights stay keeps its ``PickSequence``, so that a push which does not concern it
/// disturbs no count. It is a value: publish from a copy, and keep the copy once the push is in
/// effect.
public struct RoutingState: Sendable {
    /// Names a split over pushes.
    private struct Key: Hashable {
        var configuration: RoutingPlan.Source
        var host: String
        var route: String
        /// Tells routes of one name, or of none, from each other.
        var ordinal: Int
    }

    private let seed: UInt64
    private var splits: [Key: PlannedSplit] = [:]
    private var latest: RoutingPlan?

    /// Begins without any memory.
    ///
    /// - Parameter seed: Makes the places of picks differ from process to process; random numbers
    ///   do best, tests give their own.
    public init(seed: UInt64) {
        self.seed = seed
    }

    /// Plans the routing of a snapshot.
    ///
    /// - Returns: What tables are made from; the same plan as before when no route changed.
    public mutating func publish(_ snapshot: Snapshot) -> RoutingPlan {
        var configurations: [RoutingPlan.Source: RouteConfiguration] = [:]
        var sources: [String: RoutingPlan.Source] = [:]
        for (name, listener) in snapshot.listeners {
            if let configuration = listener.inlineRoutes {
                sources[name] = .listener(name)
                configurations[.listener(name)] = configuration
            } else if let routes = listener.routeConfigurationName,
                let configuration = snapshot.routeConfigurations[routes]
            {
                sources[name] = .discovered(routes)
                configurations[.discovered(routes)] = configuration
            }
        }
        if let latest, latest.sources == sources, latest.configurations == configurations {
            return latest
        }
        var known: [Key: PlannedSplit] = [:]
        var planned: [RoutingPlan.Source: [[PlannedSplit?]]] = [:]
        for (source, configuration) in configurations {
            planned[source] = configuration.virtualHosts.map { host in
                plan(host, of: configuration.name, source: source, &known)
            }
        }
        splits = known
        let newPlan = RoutingPlan(
            number: (latest?.number ?? 0) + 1, sources: sources, configurations: configurations,
            splits: planned)
        latest = newPlan
        return newPlan
    }

    private func plan(
        _ host: VirtualHost, of configuration: String, source: RoutingPlan.Source,
        _ known: inout [Key: PlannedSplit]
    ) -> [PlannedSplit?] {
        var ordinals: [String: Int] = [:]
        return host.routes.map { route in
            let ordinal = ordinals[route.name, default: 0]
            ordinals[route.name] = ordinal + 1
            guard case .forward(let action) = route.action,
                case .weighted(let clusters) = action.destination
            else { return nil }
            let key = Key(
                configuration: source, host: host.name, route: route.name, ordinal: ordinal)
            let identity = [configuration, host.name, route.name, "\(ordinal)"]
            let split = plan(Shares(clusters), after: splits[key], identity: identity)
            known[key] = split
            return split
        }
    }

    private func plan(
        _ shares: Shares, after previous: PlannedSplit?, identity: [String]
    ) -> PlannedSplit {
        if let previous, previous.shares == shares {
            // Entries may stand in another order now.
            return PlannedSplit(
                shares: shares, sequence: previous.sequence, sticky: previous.sticky,
                salt: previous.salt, generation: previous.generation)
        }
        let salt = xxHash64(identity.joined(separator: "\u{0}").utf8.span)
        let generation = (previous?.generation ?? 0) &+ 1
        return PlannedSplit(
            shares: shares, sequence: PickSequence(seed: random(seed ^ salt, generation)),
            sticky: previous?.sticky.rebalanced(for: shares) ?? StickyMap(shares), salt: salt,
            generation: generation)
    }
}

/// A split of one route, as all workers share it.
struct PlannedSplit: Sendable {
    let shares: Shares
    let sequence: PickSequence
    let sticky: StickyMap
    /// Makes the points of a key in one experiment independent of those in others.
    let salt: UInt64
    /// How many splits the route had so far; each begins with other numbers.
    let generation: UInt64
}
