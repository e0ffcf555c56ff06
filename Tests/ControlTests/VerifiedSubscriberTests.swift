import Foundation
import Mesh
import TLS
import Testing
import XDS

@testable import Control

@Suite struct `A subscriber with a certificate` {
    /// One stream of a client that has shown a certificate.
    private final class Stream {
        private(set) var secrets: [DiscoveryResponse] = []
        private(set) var endings: [Subscriber.Ending] = []
        private(set) var subscriber: Subscriber?
        private let node: NodeIdentity

        init(_ bench: Bench, _ client: VerifiedClient, service: String) {
            node = NodeIdentity(id: "one", cluster: service)
            subscriber = bench.publisher.subscribe(from: "127.0.0.1:9", client) {
                [unowned self] message in
                if let response = try? DiscoveryResponse(decoding: message),
                    response.typeURL == ResourceType.secret.typeURL
                {
                    secrets.append(response)
                }
            }
            subscriber?.onEnd = { [unowned self] in endings.append($0) }
        }

        func ask(
            _ type: ResourceType, _ names: [String] = [], nonce: String = "", version: String = ""
        ) -> Subscriber.Verdict? {
            let request = DiscoveryRequest(
                typeURL: type.typeURL, version: version, node: node, resourceNames: names,
                responseNonce: nonce)
            return subscriber?.receive(request.encoded, at: .zero)
        }

        /// Accepts the oldest response that was not answered.
        func accept(_ names: [String]) -> [String: Int] {
            guard !secrets.isEmpty else { return [:] }
            let response = secrets.removeFirst()
            _ = ask(.secret, names, nonce: response.nonce, version: response.version)
            var sizes: [String: Int] = [:]
            for entry in response.resources {
                let name = entry.body.contains(Array("identity".utf8)) ? "identity" : "roots"
                sizes[name] =
                    String(decoding: entry.body, as: UTF8.self)
                    .components(separatedBy: "BEGIN CERTIFICATE").count - 1
            }
            return sizes
        }
    }

    private let authorityBench = AuthorityBench()
    private let bench: Bench
    private let authority: MeshAuthority
    private let client: VerifiedClient
    private let names = ["identity", "roots"]

    init() throws {
        bench = try Bench()
        authorityBench.policy.certificateLifetime = 1000
        authority = try authorityBench.start()
        let reviews = try WorkloadIdentity(parsing: "reviews")
        let (issue, key) = try authority.makeSecret(for: reviews, address: "", at: .zero)
        client = VerifiedClient(
            identity: reviews, peer: try Handshake(authority, issue, key).peer,
            authority: authority)
    }

    @Test func `is of its own service or of none`() throws {
        for service in ["reviews", ""] {
            let stream = Stream(bench, client, service: service)
            #expect(stream.ask(.cluster) == .goOn)
            #expect(bench.fleet.all.last?.identity == "default/reviews")
        }
        for service in ["ratings", "Reviews", "shop/reviews", "reviews.default"] {
            let stream = Stream(bench, client, service: service)
            guard case .end(.notAllowed(let reason)) = stream.ask(.cluster) else {
                Issue.record("\(service) is let in")
                continue
            }
            #expect(reason.contains("default/reviews") && reason.contains(service))
        }
        #expect(bench.fleet.count == 2)
    }

    @Test func `is of whatever service has its identity, as long as it has`() throws {
        func put(_ identity: String) {
            bench.send(
                "PUT", "/v1/services/shown",
                #"{"identity": "\#(identity)", "versions": {"v1": {"endpoints": []}}}"#)
        }
        put("default/reviews")
        let stream = Stream(bench, client, service: "shown")
        #expect(stream.ask(.cluster) == .goOn && stream.endings.isEmpty)
        put("default/other")
        guard case .notAllowed? = stream.endings.first else {
            Issue.record("it goes on as \(stream.endings)")
            return
        }
    }

    @Test func `is sent away when its certificate has ended`() {
        let stream = Stream(bench, client, service: "reviews")
        #expect(stream.ask(.cluster) == .goOn)
        authorityBench.now += 999
        bench.publisher.tick(at: .seconds(999))
        #expect(stream.endings.isEmpty)
        authorityBench.now += 1
        bench.publisher.tick(at: .seconds(1000))
        #expect(stream.endings == [.certificateEnded])
    }

    @Test func `gets secrets when it asks, another certificate at half of its time, and new roots`()
        throws
    {
        let stream = Stream(bench, client, service: "reviews")
        _ = stream.ask(.cluster)
        #expect(stream.secrets.isEmpty)
        let before = try authority.store.issued(before: .max, limit: 100).count
        _ = stream.ask(.secret, ["roots"])
        #expect(stream.accept(["roots"]) == ["roots": 1])
        #expect(try authority.store.issued(before: .max, limit: 100).count == before)
        _ = stream.ask(.secret, names)
        #expect(stream.accept(names) == ["identity": 2, "roots": 1])
        authorityBench.now += 499
        bench.publisher.tick(at: .seconds(499))
        #expect(stream.secrets.isEmpty)
        authorityBench.now += 1
        bench.publisher.tick(at: .seconds(500))
        #expect(stream.accept(names)["identity"] == 2)
        _ = try authority.rotate(.root, who: "ops")
        bench.publisher.tick(at: .seconds(501))
        #expect(stream.accept(names)["roots"] == 2)
        bench.publisher.tick(at: .seconds(502))
        #expect(stream.secrets.isEmpty)
    }
}

extension [UInt8] {
    fileprivate func contains(_ other: [UInt8]) -> Bool {
        Data(self).range(of: Data(other)) != nil
    }
}
