import Foundation
import GRDB
import Mesh
import TLS
import Testing

@testable import Control

@Suite struct `The mesh's authority` {
    private let bench = AuthorityBench()
    private let reviews: WorkloadIdentity

    init() throws {
        reviews = try WorkloadIdentity(parsing: "default/reviews")
    }

    private func wish(_ lifetime: Int64 = 0) throws -> IssueWish {
        IssueWish(
            signingRequest: Array(signingRequest.utf8),
            lifetime: lifetime)
    }

    private func ask(
        _ authority: MeshAuthority, token: String? = nil, peer: PeerIdentity? = nil,
        lifetime: Int64 = 0
    ) throws -> MeshAuthority.Issue {
        try authority.answer(
            try wish(lifetime), authorization: token.map { "Bearer \($0)" }, peer: peer,
            address: "127.0.0.1:9", at: .zero)
    }

    @Test func `gives a certificate for a token as often as it may be used`() throws {
        let authority = try bench.start()
        let (record, text) = try authority.makeToken(
            for: reviews, lifetime: 60, uses: 2, who: "ops")
        #expect(record.identity == "default/reviews" && !text.contains("reviews"))
        for _ in 0..<2 {
            let issue = try ask(authority, token: text)
            let chain = Array(issue.chain.joined().utf8)
            try CertificateChain.verify(
                chain, against: Array(authority.roots.joined().utf8), at: bench.now)
            #expect(issue.validity == bench.now - 60...bench.now + 86_400)
        }
        #expect(throws: MeshAuthority.Refusal.unauthenticated("the token is used up")) {
            try ask(authority, token: text)
        }
        let issued = try authority.store.issued(before: .max, limit: 10).map(\.record)
        #expect(issued.map(\.identity) == ["default/reviews", "default/reviews"])
        #expect(issued.allSatisfy { $0.ground == .token && $0.issuer == 2 })
    }

    @Test func `takes the last use of a token from one of two alone`() throws {
        let authority = try bench.start()
        let (record, _) = try authority.makeToken(for: reviews, lifetime: 60, uses: 1, who: "ops")
        // Both have been let in, and neither has its certificate yet.
        let results = try ["a", "b"].map { serial in
            try authority.store.issue(
                IssuedRecord(
                    serial: serial, identity: "default/reviews", issuer: 2, ground: .token,
                    address: "", issuedAt: bench.now, notAfter: bench.now + 60),
                token: record.id)
        }
        #expect(results == [true, false])
        #expect(try authority.store.issued(before: .max, limit: 10).map(\.record.serial) == ["a"])
    }

    @Test func `takes no token that is wrong, late or withdrawn`() throws {
        let authority = try bench.start()
        let (record, text) = try authority.makeToken(
            for: reviews, lifetime: 60, uses: 5, who: "ops")
        let last = text.last == "0" ? "1" : "0"
        let wrong = [
            "", "x", "pmt_", "pmt__", text + "0", String(text.dropLast()), text.dropLast() + last,
            text.replacing("pmt", with: "PMT"), text.replacing(record.id, with: "0123456789abcdef"),
        ]
        for token in wrong {
            #expect(throws: MeshAuthority.Refusal.unauthenticated("the token is unknown")) {
                try ask(authority, token: token)
            }
        }
        for field in ["", "Bearer", text, "Basic \(text)", "Bearer  \(text)", "Bearer \(text) x"] {
            #expect(throws: MeshAuthority.Refusal.unauthenticated("the token is unknown")) {
                try authority.answer(
                    try wish(), authorization: field, peer: nil, address: "", at: .zero)
            }
        }
        bench.now += 60
        #expect(throws: MeshAuthority.Refusal.unauthenticated("the token has expired")) {
            try ask(authority, token: text)
        }
        bench.now -= 1
        _ = try ask(authority, token: text)
        #expect(try authority.removeToken(record.id, who: "ops"))
        #expect(try !authority.removeToken(record.id, who: "ops"))
        #expect(throws: MeshAuthority.Refusal.unauthenticated("the token is unknown")) {
            try ask(authority, token: text)
        }
    }

    @Test func `spends no token on a request that is wrong`() throws {
        let authority = try bench.start()
        let (_, text) = try authority.makeToken(for: reviews, lifetime: 60, uses: 1, who: "ops")
        let huge = [UInt8](repeating: 65, count: SigningRequest.byteLimit + 1)
        for body in [[], Array("x".utf8), huge] {
            do {
                _ = try authority.answer(
                    IssueWish(signingRequest: body, lifetime: 0), authorization: "bearer \(text)",
                    peer: nil, address: "", at: .zero)
                Issue.record("it was taken")
            } catch {
                guard case .invalid(let reason) = error else {
                    Issue.record("\(error)")
                    return
                }
                #expect(reason.hasPrefix("the signing request is "))
            }
        }
        _ = try ask(authority, token: text)
    }

    @Test(arguments: [(1, 30), (30, 30), (100, 100), (86_400, 86_400), (1 << 40, 86_400)])
    func `gives as much time as is wished within its bounds`(wished: Int64, given: Int64) throws {
        let authority = try bench.start()
        let (_, text) = try authority.makeToken(for: reviews, lifetime: 60, uses: 1, who: "ops")
        let issue = try ask(authority, token: text, lifetime: wished)
        #expect(issue.validity.upperBound == bench.now + given)
        #expect(issue.validity.lowerBound == bench.now - min(60, given / 2))
    }

    @Test func `bounds how often one identity asks`() throws {
        let authority = try bench.start()
        for index in 0..<Int(IssueRate.burst) + 1 {
            let isLast = index == Int(IssueRate.burst)
            do {
                _ = try authority.makeSecret(for: reviews, address: "", at: .zero)
                #expect(!isLast)
            } catch {
                guard case .tooMany = error, isLast else { throw error }
            }
        }
        let other = try WorkloadIdentity(parsing: "ratings")
        _ = try authority.makeSecret(for: other, address: "", at: .zero)
        _ = try authority.makeSecret(for: reviews, address: "", at: .milliseconds(100))
    }

    @Test func `is the same after a restart, at every step of a rotation`() throws {
        bench.policy.certificateLifetime = 100
        var authority = try bench.start()
        _ = try authority.makeSecret(for: reviews, address: "", at: .zero)
        let first = authority.roots
        #expect(try authority.rotate(.root, who: "ops") == "announced root 3")
        authority = try bench.start()
        #expect(authority.roots.count == 2 && authority.roots[0] == first[0])
        bench.now += 159
        authority.tick()
        #expect(authority.authorities.activeIntermediate?.id == 2)
        _ = try authority.makeSecret(for: reviews, address: "", at: .seconds(1))
        authority = try bench.start()
        bench.now += 1
        authority.tick()
        #expect(authority.authorities.activeIntermediate?.id == 4)
        authority = try bench.start()
        #expect(authority.authorities.activeIntermediate?.id == 4)
        bench.now += 159
        authority.tick()
        #expect(authority.roots.count == 2)
        authority = try bench.start()
        bench.now += 1
        authority.tick()
        authority = try bench.start()
        #expect(authority.roots.count == 1 && authority.roots != first)
        let events = try authority.store.events(limit: 10).map { "\($0.who): \($0.what)" }
        #expect(
            events == [
                "control: dropped root 1", "control: dropped intermediate authority 2",
                "control: root 3 is active, issues with intermediate authority 4",
                "ops: announced root 3", "control: began the authority of mesh.example",
            ])
    }

    @Test func `goes on after a long sleep`() throws {
        var authority = try bench.start()
        bench.now += 366 * 86_400
        authority = try bench.start()
        #expect(throws: MeshAuthority.Refusal.self) {
            _ = try authority.makeSecret(for: reviews, address: "", at: .zero)
        }
        authority.tick()
        let (issue, _) = try authority.makeSecret(for: reviews, address: "", at: .zero)
        try CertificateChain.verify(
            Array(issue.chain.joined().utf8), against: Array(authority.roots.joined().utf8),
            at: bench.now)
        #expect(authority.authorities.records.map(\.id) == [1, 3])
    }

    @Test func `does not start with another key file or trust domain`() throws {
        _ = try bench.start()
        bench.secret[31] ^= 1
        #expect(throws: MeshAuthority.Failure.keyFile) { _ = try bench.start() }
        bench.secret[31] ^= 1
        bench.trustDomain = "other.example"
        #expect(throws: MeshAuthority.Failure.trustDomain("mesh.example")) {
            _ = try bench.start()
        }
        bench.trustDomain = "mesh.example"
        _ = try bench.start()
    }

    @Test(arguments: [
        "UPDATE authorities SET sealed_key = zeroblob(200) WHERE id = 1",
        "UPDATE authorities SET sealed_key = NULL WHERE id = 2",
        "UPDATE authorities SET certificate = 'none' WHERE id = 1",
        "UPDATE authorities SET stage = 'retiring'", "UPDATE authorities SET stage = 'x'",
        "UPDATE authorities SET certificate = (SELECT certificate FROM authorities WHERE id = 1)",
        "DELETE FROM authorities",
    ])
    func `does not start on a store that is damaged`(sql: String) throws {
        _ = try bench.start()
        try bench.change(sql)
        do {
            _ = try bench.start()
            Issue.record("it started")
        } catch let failure as MeshAuthority.Failure {
            switch failure {
            case .damaged, .store(.damaged): break
            case .keyFile, .library, .store, .trustDomain: Issue.record("\(failure)")
            }
        }
    }

    @Test func `keeps no secret of a token, and forgets what has ended`() throws {
        let authority = try bench.start()
        let (_, text) = try authority.makeToken(for: reviews, lifetime: 60, uses: 1, who: "ops")
        _ = try ask(authority, token: text, lifetime: 30)
        bench.store?.close()
        let bytes = try Data(contentsOf: URL(fileURLWithPath: bench.path))
        let secret = try #require(text.split(separator: "_").last)
        #expect(bytes.range(of: Data(secret.utf8)) == nil)
        #expect(bytes.range(of: Data("PRIVATE KEY".utf8)) == nil)
        let again = try bench.start()
        bench.now += 100
        again.tick()
        #expect(try again.store.tokens().isEmpty)
        #expect(try again.store.issued(before: .max, limit: 10).isEmpty)
    }

    @Test func `renews for whoever has a certificate of the mesh that has not ended`() throws {
        let authority = try bench.start()
        let (issue, key) = try authority.makeSecret(for: reviews, address: "", at: .zero)
        let peer = try Handshake(authority, issue, key).peer
        #expect(authority.identity(of: peer) == reviews)
        _ = try ask(authority, peer: peer)
        bench.now += 86_400
        #expect(throws: MeshAuthority.Refusal.unauthenticated("the certificate has ended")) {
            try ask(authority, peer: peer)
        }
        #expect(throws: MeshAuthority.Refusal.self) { try ask(authority) }
    }
}
