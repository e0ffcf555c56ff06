import Bytes
import Mesh
import Testing

@testable import Balancing

@Suite struct `A hash ring` {
    private static let ring = Cluster.LoadBalancing.ringHash(minimumSize: 1024, maximumSize: 8192)

    private func owners(_ balance: Balance, _ keys: [UInt64]) -> [UInt16?] {
        keys.map { balance.port(hash: $0) }
    }

    private func keys(_ chance: inout Chance) -> [UInt64] {
        (0..<2000).map { _ in UInt64(chance.below(.max)) << 1 }
    }

    @Test(arguments: [
        (1, UInt64(1024), UInt64(8192), 1024), (3, 1024, 8192, 1026), (3, 1024, 100, 102),
        (5, 1, 8192, 5),
    ])
    func `has as many points as Envoy's`(
        members: Int, minimum: UInt64, maximum: UInt64, count: Int
    ) {
        let ring = HashRing(
            members: (1...members).map {
                HashRing.Member(
                    slot: UInt32($0), address: EndpointIdentity(host: "10.0.0.1", port: UInt16($0)),
                    weight: 1)
            }, minimumSize: minimum, maximumSize: maximum)
        #expect(abs(ring.count - count) <= 2)
    }

    @Test func `finds the next point and goes round`() {
        let ring = HashRing(
            members: [
                HashRing.Member(
                    slot: 4, address: EndpointIdentity(host: "127.0.0.1", port: 80), weight: 1)
            ], minimumSize: 1, maximumSize: 1)
        let hash = xxHash64("127.0.0.1:80_0".utf8.span)
        for key in [0, hash - 1, hash, hash + 1, .max] {
            #expect(ring.firstPosition(atOrAfter: key) == 0)
            #expect(ring.slot(at: 0) == 4)
        }
    }

    /// Envoy 1.40 was asked where it sends the keys `user-0` to `user-299`.
    @Test func `sends keys where Envoy sends them`() throws {
        let chosenByEnvoy =
            "313323113311133131311123231312133333213213212233313133313332111121311313313"
            + "211123112133332322311133333111111132331333131131133132313331331312231133312"
            + "331131111311332323333111113133313331311112233211133311331232313131313113133"
            + "221333133231223111131322111111212231323131132331211331111112111213311133131"
        let balance = try Balance(
            [[try endpoint(29101), try endpoint(29102), try endpoint(29103, weight: 2)]],
            cluster(.ringHash(minimumSize: 64, maximumSize: 1024)))
        var chosen = ""
        for number in 0..<300 {
            let port = try #require(balance.port(hash: xxHash64(Array("user-\(number)".utf8).span)))
            chosen += String(port - 29100)
        }
        #expect(chosen == chosenByEnvoy)
    }

    @Test func `keeps keys where they are and follows the weights`() throws {
        var chance = Chance()
        let keys = keys(&chance)
        let endpoints = [try endpoint(1), try endpoint(2), try endpoint(3, weight: 2)]
        let first = try Balance([endpoints], cluster(Self.ring), seed: 1)
        let second = try Balance([endpoints.reversed()], cluster(Self.ring), seed: 2)
        let owners = owners(first, keys)
        #expect(owners == self.owners(second, keys))
        let heavy = owners.count { $0 == 3 }
        #expect((750...1250).contains(heavy), "seed \(chance.seed), \(heavy)")
    }

    @Test func `moves few keys when an endpoint comes, and moves them back when it goes`() throws {
        var chance = Chance()
        let keys = keys(&chance)
        let endpoints = try (1...8).map { try endpoint($0) }
        let balance = try Balance([endpoints], cluster(Self.ring))
        let before = owners(balance, keys)
        let changes = try balance.update([endpoints + [endpoint(9)]], cluster(Self.ring))
        #expect(changes.added.count == 1 && changes.removed.isEmpty)
        let after = owners(balance, keys)
        // The points are shared out anew among nine, so that a few keys move between the old ones.
        let changed = zip(before, after).filter { $0 != $1 }
        let taken = changed.count { $0.1 == 9 }
        #expect((100...400).contains(taken), "seed \(chance.seed), \(taken) of 2000")
        #expect(changed.count - taken < 300, "seed \(chance.seed), \(changed.count) of 2000")
        _ = try balance.update([endpoints], cluster(Self.ring))
        #expect(owners(balance, keys) == before)
    }

    @Test func `moves only the keys of an ejected endpoint, and back`() throws {
        var chance = Chance()
        let keys = keys(&chance)
        let balance = try Balance(
            [try (1...4).map { try endpoint($0) }], cluster(Self.ring))
        let before = owners(balance, keys)
        balance.report(.connectFailed, 2)
        for (old, new) in zip(before, owners(balance, keys)) {
            if old == 2 { #expect(new != 2) } else { #expect(new == old) }
        }
        balance.report(.connected, 2)
        #expect(owners(balance, keys) == before)
    }
}
