import Balancing
import Mesh
import Testing

@Suite struct `The choice of an endpoint` {
    @Test func `by round robin gives everyone the same, in turn`() throws {
        let balance = try Balance([try (1...7).map { try endpoint($0) }], cluster())
        var earlier: [UInt16?] = []
        for turn in 0..<700 {
            earlier.append(balance.port())
            if turn >= 7 { #expect(earlier[turn] == earlier[turn - 7]) }
        }
        let counts = balance.counts(of: 700)
        #expect(counts.count == 7)
        #expect(counts.values.allSatisfy { $0 == 100 })
    }

    @Test func `by round robin follows the weights at every moment`() throws {
        var chance = Chance()
        for _ in 0..<20 {
            let weights = (0..<(2 + chance.below(5))).map { _ in UInt32(1 + chance.below(20)) }
            let endpoints = try weights.enumerated().map {
                try endpoint(UInt16($0.offset + 1), weight: $0.element)
            }
            let balance = try Balance([endpoints], cluster(), seed: UInt64(chance.below(1000)))
            let total = Double(weights.reduce(0, +))
            var counts = Array(repeating: 0.0, count: weights.count)
            for request in 1...500 {
                let port = try #require(balance.port())
                counts[Int(port) - 1] += 1
                for (index, weight) in weights.enumerated() {
                    let fair = Double(request) * Double(weight) / total
                    #expect(abs(counts[index] - fair) <= 2, "seed \(chance.seed), \(weights)")
                }
            }
        }
    }

    @Test func `by round robin begins at a random place`() throws {
        let equal = try (1...4).map { try endpoint($0) }
        let unequal = [try endpoint(1, weight: 3), try endpoint(2, weight: 1)]
        var first: [UInt16: Int] = [:]
        var firstUnequal: [UInt16: Int] = [:]
        for seed in UInt64(0)..<400 {
            let balance = try Balance([equal], cluster(), seed: seed)
            if let port = balance.port() { first[port, default: 0] += 1 }
            let other = try Balance([unequal], cluster(), seed: seed)
            if let port = other.port() { firstUnequal[port, default: 0] += 1 }
        }
        #expect(first.count == 4)
        #expect(first.values.allSatisfy { (60...140).contains($0) }, "\(first)")
        #expect((60...140).contains(firstUnequal[2, default: 0]), "\(firstUnequal)")
    }

    @Test(arguments: [Cluster.LoadBalancing.random, .leastRequest(choices: 2)])
    func `at random follows the weights`(policy: Cluster.LoadBalancing) throws {
        let chance = Chance()
        let endpoints = [
            try endpoint(1, weight: 1), try endpoint(2, weight: 2), try endpoint(3, weight: 7),
        ]
        let balance = try Balance([endpoints], cluster(policy), seed: chance.seed)
        let counts = balance.counts(of: 10_000)
        for (port, expected) in [(UInt16(1), 1000), (2, 2000), (3, 7000)] {
            #expect(
                abs(counts[port, default: 0] - expected) < 300, "seed \(chance.seed), \(counts)")
        }
    }

    @Test func `by least request evens out the active ones`() throws {
        let chance = Chance()
        let endpoints = [try endpoint(1), try endpoint(2), try endpoint(3, weight: 2)]
        let balance = try Balance(
            [endpoints], cluster(.leastRequest(choices: 2)), seed: chance.seed)
        for _ in 0..<4000 {
            let handle = try #require(balance.choose())
            balance.start(handle)
        }
        let active = balance.summaries.map { Int($0.statistics.activeRequests) }
        #expect(abs(active[0] - 1000) < 30, "seed \(chance.seed), \(active)")
        #expect(abs(active[2] - 2000) < 60, "seed \(chance.seed), \(active)")
    }

    @Test func `of two never takes the busy one by least request`() throws {
        let balance = try Balance(
            [[try endpoint(1), try endpoint(2)]], cluster(.leastRequest(choices: 2)))
        balance.start(try #require(balance.handle(1)))
        #expect(balance.counts(of: 200) == [2: 200])
    }

    @Test(arguments: [
        Cluster.LoadBalancing.roundRobin, .random, .leastRequest(choices: 3),
        .ringHash(minimumSize: 64, maximumSize: 1024),
    ])
    func `avoids the endpoint of an earlier attempt`(policy: Cluster.LoadBalancing) throws {
        let balance = try Balance([[try endpoint(1), try endpoint(2, weight: 9)]], cluster(policy))
        let heavy = try #require(balance.handle(2))
        for hash in UInt64(0)..<100 {
            let other = balance.choose(
                hash: hash &* 0x9E37_79B9_7F4A_7C15, avoiding: heavy)
            #expect(other != nil && other != heavy)
        }
        _ = try balance.update([[try endpoint(2)]], cluster(policy))
        let only = balance.choose(hash: 1, avoiding: heavy)
        #expect(only == heavy)
    }

    @Test func `is nobody when there is nobody`() throws {
        let balance = try Balance([], cluster())
        #expect(balance.port() == nil)
        _ = try balance.update([[]], cluster())
        #expect(balance.port() == nil)
        #expect(balance.isEmpty)
    }
}
