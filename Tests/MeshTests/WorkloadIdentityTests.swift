import Mesh
import Testing

@Suite struct `Workload identity` {
    @Test(arguments: [
        ("reviews", "default", "reviews"), ("shop/reviews", "shop", "reviews"),
        ("a/b.c-d", "a", "b.c-d"),
    ])
    func `is read in its short form`(text: String, namespace: String, account: String) throws {
        let identity = try WorkloadIdentity(parsing: text)
        #expect(identity.namespace == namespace && identity.account == account)
        #expect("\(identity)" == "\(namespace)/\(account)")
    }

    @Test(arguments: [
        "", "/", "a/", "/a", "a/b/c", "A/b", "a/b_c", "a/..", "a/b.", "-a/b", "a b", "a/b,URI:x",
        "spiffe://x/ns/a/sa/b", "\(String(repeating: "a", count: 64))/b",
        "a/\(String(repeating: "a.", count: 127))a",
    ])
    func `is nothing else`(text: String) {
        #expect(throws: MeshError.self) { try WorkloadIdentity(parsing: text) }
    }

    @Test func `is the same in a certificate and out of it`() throws {
        let domain = try TrustDomain("mesh.example")
        let identity = try WorkloadIdentity(parsing: "shop/reviews")
        let name = identity.spiffeID(in: domain)
        #expect(name == "spiffe://mesh.example/ns/shop/sa/reviews")
        #expect(WorkloadIdentity(spiffeID: name, in: domain) == identity)
        #expect(WorkloadIdentity(spiffeID: name, in: .standard) == nil)
    }

    @Test(arguments: [
        "spiffe://cluster.local/ns/a/sa/b/", "spiffe://cluster.local/ns/a/sa",
        "spiffe://cluster.local/ns/a/sb/b", "spiffe://cluster.local/ns//sa/b",
        "spiffe://cluster.localx/ns/a/sa/b", "https://cluster.local/ns/a/sa/b",
        "spiffe://cluster.local/ns/a/sa/b?x", "spiffe://cluster.local/ns/a/sa/%62",
    ])
    func `is not read from another name`(name: String) {
        #expect(WorkloadIdentity(spiffeID: name, in: .standard) == nil)
    }

    @Test(arguments: ["", "Cluster.local", "a..b", "a/b", "-a", "a:1", "a_b"])
    func `has no trust domain that is no name`(name: String) {
        #expect(throws: MeshError.self) { try TrustDomain(name) }
    }
}
