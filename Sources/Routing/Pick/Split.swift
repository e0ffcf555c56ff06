/// Shares of requests, compiled: a tree of picks between two sides, most frequent answers first.
///
/// With two versions |count − N·w| < 1 after any N requests; with k versions it is less than the
/// depth of the tree, which is at most k − 1. A version of weight zero is never picked.
struct Split: Sendable, Equatable {
    /// A side of a pick: another pick, or a version.
    enum Branch: Sendable, Equatable {
        case node(Int32)
        case version(Int32)
    }

    /// One pick between two sides.
    struct Node: Sendable, Equatable {
        var strata: Strata
        var picked: Branch
        var other: Branch
    }

    let nodes: [Node]
    let root: Branch

    /// Compiles shares, of which there is one at the least.
    ///
    /// The two lightest sides are joined until one is left (Huffman 1952), so that on average the
    /// fewest picks are made for a request.
    init(_ shares: Shares) {
        var sides = shares.shares.map { share in
            (weight: UInt64(share.weight), branch: Branch.version(share.entry))
        }
        var nodes: [Node] = []
        while sides.count > 1 {
            let light = Self.removeLightest(from: &sides)
            let heavy = Self.removeLightest(from: &sides)
            let sum = light.weight + heavy.weight
            let divisor = greatestCommonDivisor(light.weight, sum)
            let strata = Strata(picks: light.weight / divisor, period: sum / divisor)
            sides.append((sum, .node(Int32(clamping: nodes.count))))
            nodes.append(Node(strata: strata, picked: light.branch, other: heavy.branch))
        }
        self.nodes = nodes
        root = sides.first?.branch ?? .version(0)
    }

    /// The version that request `number` gets.
    func version(of number: UInt64, seed: UInt64) -> Int32 {
        Self.version(of: number, seed: seed, from: root, in: nodes, at: 0)
    }

    /// The same for a split whose nodes begin at `first` of a longer list.
    static func version(
        of number: UInt64, seed: UInt64, from root: Branch, in nodes: borrowing [Node],
        at first: Int
    ) -> Int32 {
        var branch = root
        var rank = number
        while case .node(let index) = branch {
            let node = nodes[first + Int(index)]
            let place = node.strata.place(rank, seed: seed &+ UInt64(UInt32(bitPattern: index)))
            rank = place.rank
            branch = place.isPicked ? node.picked : node.other
        }
        guard case .version(let version) = branch else { return 0 }
        return version
    }

    private static func removeLightest(
        from sides: inout [(weight: UInt64, branch: Branch)]
    ) -> (weight: UInt64, branch: Branch) {
        var lightest = 0
        for index in sides.indices where sides[index].weight < sides[lightest].weight {
            lightest = index
        }
        return sides.remove(at: lightest)
    }
}
