import Mesh
import Testing

@testable import Balancing

@Suite struct `Priorities` {
    struct Case: Sendable {
        /// Healthy, degraded and all endpoints of each priority.
        let levels: [[Int]]
        let healthy: [Int]
        let degraded: [Int]

        init(_ levels: [[Int]], healthy: [Int], degraded: [Int]) {
            self.levels = levels
            self.healthy = healthy
            self.degraded = degraded
        }
    }

    static let cases: [Case] = [
        Case([[100, 0, 100]], healthy: [100], degraded: [0]),
        Case([[72, 0, 100]], healthy: [100], degraded: [0]),
        Case([[72, 0, 100], [72, 0, 100]], healthy: [100, 0], degraded: [0, 0]),
        Case([[71, 0, 100], [71, 0, 100]], healthy: [99, 1], degraded: [0, 0]),
        Case([[50, 0, 100], [50, 0, 100]], healthy: [70, 30], degraded: [0, 0]),
        Case([[25, 0, 100], [100, 0, 100]], healthy: [35, 65], degraded: [0, 0]),
        Case([[0, 0, 100], [100, 0, 100]], healthy: [0, 100], degraded: [0, 0]),
        Case([[0, 0, 0], [10, 0, 10]], healthy: [0, 100], degraded: [0, 0]),
        Case([[0, 100, 100]], healthy: [0], degraded: [100]),
        Case([[50, 50, 100]], healthy: [70], degraded: [30]),
        Case([[0, 0, 50], [0, 0, 150]], healthy: [25, 75], degraded: [0, 0]),
    ]

    @Test(arguments: cases)
    func `share the load by health`(expected: Case) {
        var loads = expected.levels.map {
            PriorityLoad.Level(
                endpointCount: $0[2], healthyCount: $0[0], degradedCount: $0[1],
                acceptedCount: $0[2])
        }
        PriorityLoad.distribute(
            over: &loads, overprovisioningFactor: 140, panicThreshold: 50)
        #expect(loads.map(\.degradedPercent) == expected.degraded)
        for (load, healthy) in zip(loads, expected.healthy) {
            #expect(abs(load.healthyPercent - healthy) <= 1, "\(loads)")
        }
        #expect(loads.reduce(0) { $0 + $1.healthyPercent + $1.degradedPercent } == 100)
    }

    @Test func `fail over to the next and back`() throws {
        let first = try (1...3).map { try endpoint($0) }
        let second = try (11...13).map { try endpoint($0) }
        let balance = try Balance([first, second], cluster())
        #expect(balance.counts(of: 30) == [1: 10, 2: 10, 3: 10])
        for port in UInt16(1)...3 { balance.report(.connectFailed, port) }
        #expect(balance.counts(of: 30) == [11: 10, 12: 10, 13: 10])
        for port in UInt16(1)...3 { balance.report(.connected, port) }
        #expect(balance.counts(of: 30) == [1: 10, 2: 10, 3: 10])
    }

    @Test func `do not fail over to ejected endpoints while another one is left`() throws {
        let first = try (1...3).map { try endpoint($0) }
        let second = try (11...13).map { try endpoint($0) }
        let balance = try Balance([first, second], cluster())
        for port in [1, 2, 3, 11, 12] as [UInt16] { balance.report(.connectFailed, port) }
        #expect(balance.counts(of: 30) == [13: 30])
        balance.report(.connectFailed, 13)
        #expect(balance.counts(of: 200).count == 6)
    }

    @Test func `use degraded endpoints last`() throws {
        let endpoints = [try endpoint(1), try endpoint(2, health: .degraded)]
        let balance = try Balance([endpoints], cluster(panicThreshold: 0))
        let counts = balance.counts(of: 1000)
        #expect((620...780).contains(counts[1, default: 0]))
        balance.report(.connectFailed, 1)
        #expect(balance.counts(of: 10) == [2: 10])
    }

    @Test(arguments: [Endpoint.Health.unhealthy, .draining, .timeout])
    func `leave out what the control plane calls unhealthy`(health: Endpoint.Health) throws {
        let endpoints = [try endpoint(1), try endpoint(2), try endpoint(3, health: health)]
        let balance = try Balance([endpoints], cluster())
        #expect(balance.counts(of: 10) == [1: 5, 2: 5])
    }

    @Test func `panic below the threshold and use all`() throws {
        let endpoints =
            [try endpoint(1)] + (try (2...4).map { try endpoint($0, health: .unhealthy) })
        let balance = try Balance([endpoints], cluster())
        #expect(balance.counts(of: 40).count == 4)
        let calm = try Balance([endpoints], cluster(panicThreshold: 25))
        #expect(calm.counts(of: 40) == [1: 40])
    }

    @Test func `without panic give nobody when nobody is healthy`() throws {
        let endpoints = [try endpoint(1, health: .unhealthy)]
        let strict = try Balance([endpoints], cluster(panicThreshold: 0))
        #expect(strict.port() == nil)
        let balance = try Balance([endpoints], cluster())
        #expect(balance.port() == 1)
    }
}
