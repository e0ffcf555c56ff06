import Foundation
import GRDB
import Mesh
import TLS
import Testing

@testable import Control

/// An authority in a store of its own, whose time stands still until it is told otherwise.
final class AuthorityBench {
    let path = NSTemporaryDirectory() + "pointsman-\(UUID().uuidString).sqlite"
    var now: Int64 = Int64(Date().timeIntervalSince1970)
    var policy = AuthorityPolicy()
    var secret = [UInt8](repeating: 5, count: 32)
    var trustDomain = "mesh.example"
    private(set) var store: SQLiteStore?
    private(set) var events: [String] = []

    deinit {
        for suffix in ["", "-wal", "-shm"] {
            try? FileManager.default.removeItem(atPath: path + suffix)
        }
    }

    func start() throws -> MeshAuthority {
        store?.close()
        let store = try SQLiteStore(path: path)
        self.store = store
        let authority = try MeshAuthority(
            AuthorityStore(store), secret: secret, trustDomain: try TrustDomain(trustDomain),
            policy: policy, now: { [unowned self] in now })
        authority.onEvent = { [unowned self] in events.append($0) }
        return authority
    }

    func change(_ sql: String) throws {
        store?.close()
        store = nil
        let queue = try DatabaseQueue(path: path)
        try queue.write { try $0.execute(sql: sql) }
        try queue.close()
    }
}

/// What a server learns of a client that presents a certificate.
struct Handshake {
    let peer: PeerIdentity

    init(_ authority: MeshAuthority, _ issue: MeshAuthority.Issue, _ key: PrivateKey) throws {
        var settings = Settings()
        settings.credentials = [
            Credential(certificateChain: Array(issue.chain.joined().utf8), privateKey: key.pem)
        ]
        settings.trustedAuthorities = Array(authority.roots.joined().utf8)
        let (near, far) = (try Wire(), try Wire())
        var client = try Session(Context(settings, role: .client), on: near)
        var server = try Session(
            Context(settings, role: .server(clientCertificate: .required)), on: far)
        var toServer: [UInt8] = []
        var toClient: [UInt8] = []
        for _ in 0..<8 where !server.isReady {
            if !client.isReady { _ = try client.handshake(toClient.span) }
            toClient = []
            for index in near.output.indices { toServer.append(near.output[index]) }
            near.discardOutput()
            _ = try server.handshake(toServer.span)
            toServer = []
            for index in far.output.indices { toClient.append(far.output[index]) }
            far.discardOutput()
        }
        let found = server.peer
        peer = try #require(found)
    }
}

/// For a key on P-256, which nobody has any more.
let signingRequest = """
    -----BEGIN CERTIFICATE REQUEST-----
    MIHMMHQCAQAwEjEQMA4GA1UEAwwHcmV2aWV3czBZMBMGByqGSM49AgEGCCqGSM49
    AwEHA0IABPBfLpoKDN3HvVFNqH6jcvPXWRZCqYLOVsRW8ogl6FOjX0URHHPHSZA0
    oBpZrLkIvlkgngFn6OlGNHV3DfGwjUqgADAKBggqhkjOPQQDAgNIADBFAiA5Yrjw
    39mUBIhbKdncnx1ci/QskvvLNIS4EpHViaxA8AIhANJUQHP82HO5bR6J3gr0cnEy
    c1RjODwRxziagPLXnN8R
    -----END CERTIFICATE REQUEST-----

    """
