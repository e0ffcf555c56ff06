import Mesh

/// The versions of a split that get requests, and how many: what decides whether a split changed.
///
/// Neither the order of the versions nor a common factor of the weights makes a difference.
struct Shares: Equatable, Sendable {
    struct Share: Equatable, Sendable {
        /// The cluster's name, and a count when the split has it more than once.
        var version: String
        var weight: UInt32
        /// The place in ``WeightedClusters/entries``.
        var entry: Int32

        static func == (one: Share, other: Share) -> Bool {
            one.version == other.version && one.weight == other.weight
        }
    }

    /// In the order of the versions' names; weights are not zero and have no common factor.
    let shares: [Share]

    init(_ clusters: WeightedClusters) {
        var seen: [String: Int] = [:]
        var shares: [Share] = []
        var divisor: UInt32 = 0
        for (index, entry) in clusters.entries.enumerated() {
            let earlier = seen[entry.name, default: 0]
            seen[entry.name] = earlier + 1
            if entry.weight == 0 { continue }
            let version = earlier == 0 ? entry.name : "\(entry.name)\u{0}\(earlier)"
            let share = Share(version: version, weight: entry.weight, entry: Int32(clamping: index))
            shares.append(share)
            divisor = greatestCommonDivisor(divisor, entry.weight)
        }
        shares.sort { $0.version < $1.version }
        for index in shares.indices { shares[index].weight /= max(divisor, 1) }
        self.shares = shares
    }

    var total: UInt64 { shares.reduce(into: 0) { $0 += UInt64($1.weight) } }
}

func greatestCommonDivisor<Number: FixedWidthInteger>(_ one: Number, _ other: Number) -> Number {
    var (one, other) = (one, other)
    while other != 0 { (one, other) = (other, one % other) }
    return one
}
