/// Where a request goes: a cluster, and what the route does to requests that go there.
public struct Destination: Hashable, Sendable {
    /// The cluster's place in ``RoutingPlan/clusterNames``.
    public let cluster: Int
    let entry: Int32
}

extension CompiledRoutes {
    /// Picks where a request of the route goes: by its key, else by its number.
    func destination(of route: RouteNumber, key: StickyKey) -> Destination? {
        switch routes[Int(route.value)].target {
        case .nowhere:
            return nil
        case .entry(let entry):
            return Destination(cluster: Int(entries[Int(entry)].cluster), entry: entry)
        case .split(let number):
            let split = splits[Int(number)]
            let version =
                if let hash = key.hash, !split.sticky.isEmpty {
                    stickyEntry(of: split, at: mixed(hash ^ split.salt))
                } else {
                    nextEntry(of: split)
                }
            let entry = split.firstEntry + version
            return Destination(cluster: Int(entries[Int(entry)].cluster), entry: entry)
        }
    }

    private func nextEntry(of split: SplitRecord) -> Int32 {
        // Through a span the element is borrowed in place: its count of references is not touched.
        let sequences = sequences.span
        let number = sequences[Int(split.sequence)].take()
        return Split.version(
            of: number, seed: split.seed, from: split.root, in: nodes, at: Int(split.firstNode))
    }

    /// The entry whose interval holds `point`.
    private func stickyEntry(of split: SplitRecord, at point: UInt64) -> Int32 {
        // The first interval begins at zero, so that one always begins at or before the point.
        var low = Int(split.sticky.lowerBound)
        var high = Int(split.sticky.upperBound)
        while high - low > 1 {
            let middle = (low + high) / 2
            if stickyStarts[middle] <= point { low = middle } else { high = middle }
        }
        return stickyEntries[low]
    }
}
