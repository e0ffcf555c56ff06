import Mesh
import Testing

@testable import Routing

@Suite struct `A sticky map` {
    @Test func `moves users one way only on a ramp, and only those that must move`() throws {
        let users = (0..<100_000 as Range<UInt64>).map { mixed($0) }
        var map = StickyMap(Shares(try clusters([("v1", 99), ("v2", 1)])))
        var before = users.map { map.version(at: $0) }
        for (share, next) in [(1, 5), (5, 25), (25, 100)] as [(UInt32, UInt32)] {
            let shares = Shares(try clusters([("v1", 100 - next), ("v2", next)]))
            map = map.rebalanced(for: shares)
            let after = users.map { map.version(at: $0) }
            let moved = zip(before, after).count { $0 != $1 }
            let movedBack = zip(before, after).count { $0 == "v2" && $1 == "v1" }
            #expect(movedBack == 0)
            // As many users as the share that moves, up to the chance of where their keys hash to.
            let expected = Double(users.count) * Double(next - share) / 100
            #expect(abs(Double(moved) - expected) < 5 * expected.squareRoot())
            #expect(map.length(of: "v2") == Self.part(next, of: 100, last: true))
            before = after
        }
    }

    @Test func `between two versions is the same in the whole fleet, whatever was before`() throws {
        let target = Shares(try clusters([("v1", 60), ("v2", 40)]))
        var map = StickyMap(Shares(try clusters([("v1", 1), ("v2", 9)])))
        map = map.rebalanced(for: Shares(try clusters([("v3", 5), ("v2", 5)])))
        #expect(map.rebalanced(for: target) == StickyMap(target))
    }

    @Test func `moves nobody when weights are rescaled or stand in another order`() throws {
        let map = StickyMap(Shares(try clusters([("a", 90), ("b", 5), ("c", 5)])))
            .rebalanced(for: Shares(try clusters([("a", 70), ("b", 20), ("c", 10)])))
        for weights in [
            [("a", 7), ("b", 2), ("c", 1)], [("c", 1000), ("a", 7000), ("b", 2000)],
            [("d", 0), ("b", 2), ("c", 1), ("a", 7)],
        ] as [[(String, UInt32)]] {
            #expect(map.rebalanced(for: Shares(try clusters(weights))) == map)
        }
    }

    @Test func `moves as little as the weights need, from the shrinking to the growing`() throws {
        var generator = SeededGenerator(seed: 7)
        var shares = try Self.shares(&generator)
        var map = StickyMap(shares)
        for _ in 0..<300 {
            let next = try Self.shares(&generator)
            let moved = map.rebalanced(for: next)
            #expect(moved.intervals.count <= StickyMap.intervalLimit)
            #expect(moved.intervals.first?.start == 0)
            for share in next.shares {
                #expect(
                    moved.length(of: share.version) == StickyMap(next).length(of: share.version))
            }
            if moved != StickyMap(next) {
                let names = Set((shares.shares + next.shares).map(\.version))
                let variation = names.reduce(UInt128(0)) { sum, name in
                    let (old, new) = (map.length(of: name), moved.length(of: name))
                    return sum + (old > new ? old - new : 0)
                }
                #expect(map.distance(to: moved) == variation, "seed \(generator.seed)")
            }
            (map, shares) = (moved, next)
        }
    }

    /// Three to eight versions of six to ten names, as a rollout changes them.
    private static func shares(_ generator: inout SeededGenerator) throws -> Shares {
        let names = ["a", "b", "c", "d", "e", "f", "g", "h"].shuffled(using: &generator)
        let count = Int.random(in: 3...8, using: &generator)
        return Shares(
            try clusters(
                names.prefix(count).map { ($0, UInt32.random(in: 1...100, using: &generator)) }))
    }

    private static func part(_ weight: UInt32, of sum: UInt32, last: Bool) -> UInt128 {
        let rest = (UInt128(sum - weight) << 64) / UInt128(sum)
        return last ? (1 << 64) - rest : rest
    }
}

extension StickyMap {
    func version(at point: UInt64) -> String {
        intervals.last { $0.start <= point }?.version ?? ""
    }

    func length(of version: String) -> UInt128 {
        spans.reduce(0) { $0 + ($1.version == version ? $1.end - $1.start : 0) }
    }

    /// How many points belong to another version in `other`.
    func distance(to other: StickyMap) -> UInt128 {
        var distance: UInt128 = 0
        for one in spans {
            for two in other.spans where one.version != two.version {
                let (start, end) = (max(one.start, two.start), min(one.end, two.end))
                if start < end { distance += end - start }
            }
        }
        return distance
    }

    private var spans: [(start: UInt128, end: UInt128, version: String)] {
        intervals.indices.map { index in
            let end =
                index + 1 < intervals.count ? UInt128(intervals[index + 1].start) : 1 << 64
            return (UInt128(intervals[index].start), end, intervals[index].version)
        }
    }
}
