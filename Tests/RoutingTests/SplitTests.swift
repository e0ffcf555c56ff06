import Mesh
import Testing

@testable import Routing

@Suite struct `A split` {
    /// At every N up to a million, |count − N·w| ≤ 1, in integers: |count·sum − N·weight| ≤ sum.
    @Test(
        arguments: [
            (95, 5), (50, 50), (1, 999_999), (999_999, 1), (2, 1), (314_159, 685_841), (99, 1),
            (4_294_967_294, 1), (2_147_483_648, 2_147_483_647), (4096, 61_440),
        ] as [(UInt32, UInt32)])
    func `between two versions is exact to one request at every count`(
        one: UInt32, other: UInt32
    ) throws {
        #expect(try worstExcess([one, other], count: 1_000_000, seed: 0x5EED) <= 0)
    }

    @Test func `between two versions of any weights is exact to one request`() throws {
        var generator = SeededGenerator(seed: 20)
        for _ in 0..<200 {
            let bits = UInt32.random(in: 1..<20, using: &generator)
            let weights = [
                UInt32.random(in: 1..<1 << bits, using: &generator) as UInt32,
                UInt32.random(in: 1..<1 << 20, using: &generator),
            ]
            let excess = try worstExcess(weights, count: 2000, seed: generator.next())
            #expect(excess <= 0, "weights \(weights), seed \(generator.seed)")
        }
    }

    @Test(arguments: [3, 4, 5, 8, 20])
    func `between k versions is exact to k − 1 requests`(versionCount: Int) throws {
        var generator = SeededGenerator(seed: UInt64(versionCount))
        for round in 0..<12 {
            let bound: UInt32 = round % 3 == 0 ? 4 : round % 3 == 1 ? 1000 : 100_000_000
            var weights = (0..<versionCount).map { _ in
                UInt32.random(in: 0..<bound, using: &generator)
            }
            weights[0] += 1
            let excess = try worstExcess(weights, count: 5000, seed: generator.next())
            #expect(excess <= 0, "weights \(weights), seed \(generator.seed)")
        }
    }

    @Test func `never picks a version of weight zero`() throws {
        let split = Split(try shares([0, 1, 0, 3, 0]))
        for number in 0..<1000 as Range<UInt64> {
            #expect([1, 3].contains(split.version(of: number, seed: 3)))
        }
        #expect(Split(try shares([0, 7])).root == .version(1))
    }

    /// A client that repeats itself every `period` requests gets its share of each version, too.
    @Test(
        arguments: [(95, 5), (90, 10), (75, 25), (50, 50), (99, 1), (2, 1)] as [(UInt32, UInt32)])
    func `does not fall into step with clients that repeat themselves`(
        one: UInt32, other: UInt32
    ) throws {
        let split = Split(try shares([one, other]))
        let samples = 2000
        let share = Double(other) / Double(one + other)
        let deviation = (Double(samples) * share * (1 - share)).squareRoot()
        for period in 2...100 as ClosedRange<UInt64> {
            let phase = random(11, period) % period
            var count = 0
            for sample in 0..<UInt64(samples)
            where split.version(of: sample * period + phase, seed: 0xA11A5) == 1 {
                count += 1
            }
            let distance = abs(Double(count) - Double(samples) * share)
            #expect(distance <= 5 * deviation, "period \(period), phase \(phase): \(count)")
        }
    }

    @Test func `is laid out alike whatever the order and scale of its versions`() throws {
        let one = Split(Shares(try clusters([("a", 5), ("b", 90), ("c", 5)])))
        let other = Split(Shares(try clusters([("c", 10), ("a", 10), ("b", 180)])))
        let names = [["a", "b", "c"], ["c", "a", "b"]]
        for number in 0..<500 as Range<UInt64> {
            let first = names[0][Int(one.version(of: number, seed: 9))]
            #expect(first == names[1][Int(other.version(of: number, seed: 9))])
        }
    }

    /// How far a count went beyond what is allowed, at worst, in requests times the sum of weights.
    private func worstExcess(_ weights: [UInt32], count: Int, seed: UInt64) throws -> Int {
        let split = Split(try shares(weights))
        let sum = weights.reduce(0) { $0 + Int($1) }
        let allowed = max(1, weights.count { $0 > 0 } - 1) * sum
        var counts = weights.map { _ in 0 }
        var worst = -allowed
        for number in 0..<count {
            counts[Int(split.version(of: UInt64(number), seed: seed))] += 1
            for version in weights.indices {
                let distance = abs(counts[version] * sum - (number + 1) * Int(weights[version]))
                if distance - allowed > worst { worst = distance - allowed }
            }
        }
        return worst
    }

    private func shares(_ weights: [UInt32]) throws -> Shares {
        Shares(try clusters(weights.enumerated().map { ("v\($0)", $1) }))
    }
}

func clusters(
    _ weights: [(String, UInt32)], isSticky: Bool = false
) throws -> WeightedClusters {
    try WeightedClusters(
        entries: try weights.map { try .init(name: $0.0, weight: $0.1) }, usesHashPolicy: isSticky)
}

/// Random numbers that a failed test can be repeated with.
struct SeededGenerator: RandomNumberGenerator {
    let seed: UInt64
    private var index: UInt64 = 0

    init(seed: UInt64) {
        self.seed = seed
    }

    mutating func next() -> UInt64 {
        index += 1
        return random(seed, index)
    }
}
