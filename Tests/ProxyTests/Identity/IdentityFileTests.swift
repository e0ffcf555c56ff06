import Foundation
import Mesh
import TLS
import Testing

@testable import Proxy

@Suite struct `An identity on disk` {
    private let folder: Folder
    private let file: IdentityFile
    private let root: Authority
    private let issued: Identity

    init() throws {
        folder = try Folder()
        file = IdentityFile(folder: folder.path + "/state")
        root = try Authority.root(named: "mesh", trustDomain: "cluster.local", validity: 0...9000)
        issued = try Self.identity(below: root)
    }

    private static func identity(
        below root: Authority, named name: String = "spiffe://cluster.local/ns/default/sa/a",
        trusting trusted: Authority? = nil, key: PrivateKey? = nil
    ) throws -> Identity {
        let own = try PrivateKey.generated()
        let certificate = try root.issue(
            WorkloadNames(uri: name), for: own, validity: 1000...2000)
        return try Identity(
            Credential(
                certificateChain: certificate.certificate, privateKey: (key ?? own).pem),
            roots: (trusted ?? root).certificate, receivedAt: 1200, in: .standard)
    }

    @Test func `is read as it was written`() throws {
        #expect(file.load(for: "a", in: .standard).finding == .absent)
        for identity in [issued, try Self.identity(below: root)] {
            try file.save(identity, for: "a")
            let (loaded, finding) = file.load(for: "a", in: .standard)
            #expect(finding == .loaded)
            #expect(loaded?.name == "spiffe://cluster.local/ns/default/sa/a")
            #expect(loaded?.term == identity.term)
            #expect(loaded?.certificates == identity.certificates)
        }
        #expect(issued.term.length == .seconds(800))
    }

    @Test func `is for its owner alone`() throws {
        try file.save(issued, for: "a")
        let attributes = try FileManager.default.attributesOfItem(atPath: file.path)
        #expect(attributes[.posixPermissions] as? Int == 0o600)
        #expect(file.load(for: "b", in: .standard).finding == .foreign(service: "a"))
        let other = file.load(for: "a", in: try TrustDomain("mesh")).finding
        #expect(other == .unusable(.foreignName("spiffe://cluster.local/ns/default/sa/a")))
    }

    @Test func `is as good as none when any byte of it is missing or another`() throws {
        try file.save(issued, for: "a")
        let whole = try Data(contentsOf: URL(filePath: file.path))
        for offset in stride(from: 0, to: whole.count, by: 7) {
            var changed = whole
            changed[offset] ^= 1
            for damaged in [changed, whole.prefix(offset)] {
                try damaged.write(to: URL(filePath: file.path))
                let (loaded, finding) = file.load(for: "a", in: .standard)
                #expect(loaded == nil)
                #expect(finding == .damaged, "at \(offset)")
            }
        }
    }

    @Test func `holds together, or is none`() throws {
        let other = try Authority.root(
            named: "other", trustDomain: "cluster.local", validity: 0...9000)
        #expect(throws: IdentityError.unusable(.certificateUntrusted)) {
            try Self.identity(below: root, trusting: other)
        }
        #expect(throws: IdentityError.unusable(.settings(.keyMismatch))) {
            try Self.identity(below: root, key: .generated())
        }
        #expect(throws: IdentityError.foreignName("spiffe://cluster.local/ns/default")) {
            try Self.identity(below: root, named: "spiffe://cluster.local/ns/default")
        }
    }
}
