import TLS
import Testing

@testable import Control

@Suite struct `A mesh's authorities` {
    private static let trustDomain = "mesh.example"

    private let key: SealingKey
    private var policy = AuthorityPolicy()
    private let start: Int64 = 1_800_000_000

    init() throws {
        key = try SealingKey(
            secret: [UInt8](repeating: 1, count: 32), salt: [2], purpose: "test")
    }

    private func founded(_ policy: AuthorityPolicy) throws -> AuthoritySet {
        try AuthoritySet(founding: Self.trustDomain, key: key, policy: policy, at: start)
    }

    private func stages(_ set: AuthoritySet) -> [String] {
        set.records.map { "\($0.kind.rawValue) \($0.id) \($0.stage.rawValue)" }
    }

    @Test func `begin as one root and one intermediate, and are taken up as they were`() throws {
        let set = try founded(policy)
        #expect(stages(set) == ["root 1 active", "intermediate 2 active"])
        let again = try AuthoritySet(
            set.records, trustDomain: Self.trustDomain, key: key, policy: policy)
        #expect(again.records == set.records && again.roots == set.roots)
    }

    @Test func `keep no key in the clear`() throws {
        for record in try founded(policy).records {
            let sealed = try #require(record.sealedKey)
            #expect(!String(decoding: sealed, as: UTF8.self).contains("PRIVATE KEY"))
        }
    }

    @Test func `announce a root, issue from it when all were told, and drop the old one last`()
        throws
    {
        var set = try founded(policy)
        set.noteIssued(until: start + 1000)
        #expect(try set.announceRoot(at: start + 100) == "announced root 3")
        #expect(set.roots.count == 2)
        #expect(throws: AuthoritySet.Failure.isRotating) { try set.announceRoot(at: start + 101) }
        // A certificate of before is good until then, and allows for clocks that are behind.
        #expect(try set.step(at: start + 1059) == nil)
        set.noteIssued(until: start + 2000)
        #expect(
            try set.step(at: start + 1060)
                == "root 3 is active, issues with intermediate authority 4")
        #expect(
            stages(set) == [
                "root 1 retiring", "intermediate 2 retiring", "root 3 active",
                "intermediate 4 active",
            ])
        #expect(set.root.hasSigned(set.intermediate) && set.roots.count == 2)
        #expect(set.records[0].sealedKey == nil && set.records[1].sealedKey == nil)
        #expect(try set.step(at: start + 2060) == nil)
        #expect(try set.step(at: start + 2061) == "dropped intermediate authority 2")
        #expect(try set.step(at: start + 2061) == "dropped root 1")
        #expect(try set.step(at: start + 2061) == nil)
        #expect(set.roots.count == 1)
    }

    @Test func `renew the intermediate before its end, and the root in time for that`() throws {
        var set = try founded(policy)
        let due = start + policy.intermediateLifetime - policy.intermediateMargin
        #expect(try set.step(at: due) == nil)
        #expect(try set.step(at: due + 1) == "issues with intermediate authority 3")
        let rootDue = start + policy.rootLifetime - policy.rootMargin
        while let step = try set.step(at: rootDue) { #expect(!step.contains("root 4")) }
        #expect(set.records.filter { $0.kind == .root }.count == 1)
        #expect(try set.step(at: rootDue + 1)?.hasPrefix("announced root") == true)
    }

    /// Whatever is done in whatever order, and however often the process is started again: who has
    /// a certificate that is good knows the root that any other certificate hangs on.
    @Test func `never break a mesh that lives`() throws {
        let seed = UInt64.random(in: 0...UInt64.max)
        var random = Dice(seed: seed)
        var policy = AuthorityPolicy()
        policy.certificateLifetime = 600
        policy.intermediateLifetime = 20_000
        policy.intermediateMargin = 1000
        policy.rootLifetime = 90_000
        policy.rootMargin = 30_000
        var now = start
        var set = try founded(policy)
        /// Who holds which chain until when, and which roots it was told with it.
        var holders: [(chain: [UInt8], end: Int64, roots: String)] = []
        for round in 0..<250 {
            now += Int64(random.next(below: 200))
            while try set.step(at: now) != nil {}
            if random.next(below: 12) == 0 { _ = try? set.announceRoot(at: now) }
            if random.next(below: 12) == 0 { _ = try set.renewIntermediate(at: now) }
            if random.next(below: 3) == 0 {
                set = try AuthoritySet(
                    set.records, trustDomain: Self.trustDomain, key: key, policy: policy)
            }
            let leaf = try set.intermediate.issue(
                WorkloadNames(uri: "spiffe://mesh.example/ns/default/sa/a"),
                for: PrivateKey.generated(),
                validity: now - 60...now + policy.certificateLifetime)
            #expect(leaf.validity.upperBound == now + policy.certificateLifetime)
            set.noteIssued(until: leaf.validity.upperBound)
            let chain = leaf.certificate + Array((set.activeIntermediate?.certificate ?? "").utf8)
            holders.append((chain, leaf.validity.upperBound, set.roots.joined()))
            holders.removeAll { $0.end <= now }
            for one in holders.suffix(3) + holders.prefix(3) {
                for other in holders.suffix(3) + holders.prefix(3) {
                    #expect(throws: Never.self, "round \(round), seed \(seed)") {
                        try CertificateChain.verify(
                            other.chain, against: Array(one.roots.utf8), at: now)
                    }
                }
                let accepted = Array(set.roots.joined().utf8)
                #expect(throws: Never.self, "round \(round), seed \(seed)") {
                    try CertificateChain.verify(one.chain, against: accepted, at: now)
                }
            }
        }
        #expect(set.records.count < 40)
    }

    @Test func `are not taken up when one of them is not what it was`() throws {
        let set = try founded(policy)
        var cases: [[AuthorityRecord]] = [[], [set.records[0]], [set.records[1]]]
        for index in set.records.indices {
            var changed = set.records
            changed[index].sealedKey?[20] ^= 1
            cases.append(changed)
            changed = set.records
            changed[index].sealedKey = set.records[1 - index].sealedKey
            cases.append(changed)
            changed = set.records
            changed[index].stage = .retiring
            cases.append(changed)
        }
        let other = try founded(policy)
        cases.append([set.records[0], other.records[1]])
        for records in cases {
            #expect(throws: AuthoritySet.Failure.self) {
                _ = try AuthoritySet(
                    records, trustDomain: Self.trustDomain, key: key, policy: policy)
            }
        }
    }
}

/// Numbers that a seed brings back (SplitMix64).
private struct Dice {
    private var state: UInt64

    init(seed: UInt64) {
        state = seed
    }

    mutating func next(below bound: UInt64) -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var word = state
        word = (word ^ (word >> 30)) &* 0xBF58_476D_1CE4_E5B9
        word = (word ^ (word >> 27)) &* 0x94D0_49BB_1331_11EB
        return (word ^ (word >> 31)) % bound
    }
}
