import Mesh
import Testing
import XDS

@testable import Control

@Suite struct `A subscriber` {
    /// A client in memory that keeps what it is sent.
    private final class Client {
        private(set) var responses: [DiscoveryResponse] = []
        private(set) var verdict = Subscriber.Verdict.goOn
        private var subscriber: Subscriber?
        private let publisher: Publisher
        private let node: NodeIdentity
        private var isKnown = false

        init(_ bench: Bench, id: String = "client-1", agent: String = "pointsman") {
            publisher = bench.publisher
            node = NodeIdentity(id: id, cluster: "client", userAgentName: agent)
            subscriber = publisher.subscribe(from: "127.0.0.1:9") { [unowned self] message in
                if let response = try? DiscoveryResponse(decoding: message) {
                    responses.append(response)
                }
            }
        }

        func send(_ message: [UInt8]) {
            verdict = subscriber?.receive(message, at: .zero) ?? .goOn
        }

        func ask(_ type: ResourceType, _ names: [String] = []) {
            ask(type.typeURL, names)
        }

        func ask(_ typeURL: String, _ names: [String] = []) {
            let request = DiscoveryRequest(
                typeURL: typeURL, node: isKnown ? nil : node, resourceNames: names)
            isKnown = true
            send(request.encoded)
        }

        /// Answers the oldest response of the type that was not answered yet.
        func answer(_ type: ResourceType, _ names: [String] = [], refusing reason: String? = nil) {
            guard let index = responses.firstIndex(where: { $0.typeURL == type.typeURL }) else {
                Issue.record("there is no \(type.name) to answer")
                return
            }
            let response = responses.remove(at: index)
            send(
                DiscoveryRequest(
                    typeURL: type.typeURL, version: reason == nil ? response.version : "",
                    resourceNames: names, responseNonce: response.nonce, errorDetail: reason
                ).encoded)
        }

        var waiting: [String] {
            responses.map { response in
                let type = ResourceType(typeURL: response.typeURL)?.name ?? response.typeURL
                return "\(type) \(response.version) ×\(response.resources.count)"
            }
        }

        func leave() {
            if let subscriber { publisher.unsubscribe(subscriber) }
        }
    }

    private let clusters = ["reviews/v1", "reviews/v2"]

    /// Brings a sidecar to where it has everything.
    private func settle(_ client: Client) {
        client.ask(.cluster)
        client.answer(.cluster)
        client.ask(.endpointAssignment, clusters)
        client.answer(.endpointAssignment, clusters)
        client.ask(.listener)
        client.answer(.listener)
        client.ask(.routeConfiguration, ["outbound"])
        client.answer(.routeConfiguration, ["outbound"])
    }

    private func bench() throws -> Bench {
        let bench = try Bench()
        bench.send("PUT", "/v1/services/reviews", reviews)
        return bench
    }

    private func split(_ bench: Bench, _ weight: Int) {
        let body = #"{"weights": {"v1": 100, "v2": \#(weight)}}"#
        bench.send("PUT", "/v1/services/reviews/split?route=default", body)
    }

    @Test func `is told everything in order, and is then up to date`() throws {
        let bench = try bench()
        let client = Client(bench)
        client.ask(.cluster)
        #expect(client.waiting == ["Cluster 1 ×2"])
        #expect(bench.fleet.all.map(\.id) == ["client-1"])
        client.answer(.cluster)
        client.ask(.endpointAssignment, clusters)
        #expect(client.waiting == ["ClusterLoadAssignment 1 ×2"])
        client.answer(.endpointAssignment, clusters)
        client.ask(.listener)
        client.answer(.listener)
        #expect(bench.fleet.all[0].revision == nil)
        client.ask(.routeConfiguration, ["outbound"])
        #expect(client.waiting == ["RouteConfiguration 1 ×1"])
        #expect(bench.fleet.all[0].revision == nil)
        client.answer(.routeConfiguration, ["outbound"])
        #expect(bench.fleet.all[0].revision == 1)
        #expect(bench.fleet.coverage(of: 1).isComplete)
        client.leave()
        #expect(bench.fleet.count == 0)
    }

    @Test func `is told of new weights by routes alone`() throws {
        let bench = try bench()
        let client = Client(bench)
        settle(client)
        split(bench, 10)
        #expect(client.waiting == ["RouteConfiguration 2 ×1"])
        #expect(bench.fleet.coverage(of: 2).lagging == ["client-1"])
        client.answer(.routeConfiguration, ["outbound"])
        #expect(bench.fleet.coverage(of: 2).isComplete)
    }

    @Test func `is spared what is overtaken`() throws {
        let bench = try bench()
        let client = Client(bench)
        settle(client)
        for weight in 1...100 { split(bench, weight) }
        #expect(client.responses.count <= ServerSubscription.unansweredLimit)
        while !client.responses.isEmpty { client.answer(.routeConfiguration, ["outbound"]) }
        #expect(bench.fleet.coverage(of: 101).isComplete)
    }

    @Test func `may refuse, and is not asked again before there is something else`() throws {
        let bench = try bench()
        let client = Client(bench)
        settle(client)
        split(bench, 10)
        client.answer(.routeConfiguration, ["outbound"], refusing: "no such route")
        #expect(client.waiting.isEmpty)
        let refused = bench.fleet.coverage(of: 2).refused
        #expect(refused.map(\.refusal.reason) == ["no such route"])
        #expect(refused.map(\.refusal.type) == [ResourceType.routeConfiguration.rawValue])
        #expect(bench.fleet.all[0].revision == 1)
        let shown = bench.send("GET", "/v1/revisions/2").json["inEffect"] as? [String: Any]
        #expect((shown?["refused"] as? [[String: Any]])?.first?["reason"] as? String != nil)

        split(bench, 20)
        #expect(client.waiting == ["RouteConfiguration 3 ×1"])
        client.answer(.routeConfiguration, ["outbound"])
        #expect(bench.fleet.all[0].revision == 3)
        #expect(bench.fleet.all[0].refusal == nil)
    }

    @Test func `has refused every revision that still has what it refused`() throws {
        let bench = try bench()
        let client = Client(bench)
        settle(client)
        split(bench, 10)
        client.answer(.routeConfiguration, ["outbound"], refusing: "no such route")
        bench.send(
            "PUT", "/v1/services/reviews",
            reviews.replacing("9001", with: "9003")
                .replacing(#""v1": 95, "v2": 5"#, with: #""v1": 100, "v2": 10"#))
        client.answer(.endpointAssignment, clusters)
        #expect(client.waiting.isEmpty)
        let coverage = bench.fleet.coverage(of: 3)
        #expect(coverage.refused.map(\.refusal.reason) == ["no such route"])
        #expect(coverage.lagging == [])
        split(bench, 20)
        #expect(bench.fleet.coverage(of: 4).lagging == ["client-1"])
        client.answer(.routeConfiguration, ["outbound"])
        #expect(bench.fleet.coverage(of: 4).isComplete)
    }

    @Test func `is told in the end, however many changes come in a row`() throws {
        let bench = try bench()
        let clients = (0..<100).map { Client(bench, id: "client-\($0)") }
        for client in clients { settle(client) }
        bench.isPushedInBatches = true
        for weight in 1...10 { split(bench, weight) }
        #expect(clients.allSatisfy { !$0.responses.isEmpty })
    }

    @Test func `has clusters before routes use them, and until none does`() throws {
        let bench = try bench()
        let client = Client(bench)
        settle(client)
        bench.send(
            "PUT", "/v1/services/reviews",
            #"""
            {"versions": {"v2": {"endpoints": []}, "v3": {"endpoints": []}},
             "routes": [{"split": {"v2": 1, "v3": 1}}]}
            """#)
        // v1 is still there beside the new v3, and the routes wait.
        #expect(client.waiting.first == "Cluster 2 ×3")
        #expect(!client.waiting.contains { $0.hasPrefix("RouteConfiguration") })
        client.answer(.cluster)
        let asked = ["reviews/v1", "reviews/v2", "reviews/v3"]
        if client.waiting.contains(where: { $0.hasPrefix("ClusterLoadAssignment") }) {
            client.answer(.endpointAssignment, asked)
        } else {
            client.ask(.endpointAssignment, asked)
        }
        while client.waiting.contains(where: { $0.hasPrefix("ClusterLoadAssignment") }) {
            client.answer(.endpointAssignment, asked)
        }
        #expect(client.waiting == ["RouteConfiguration 2 ×1"])
        client.answer(.routeConfiguration, ["outbound"])
        #expect(client.waiting == ["Cluster 2 ×2"])
        client.answer(.cluster)
        #expect(bench.fleet.all[0].revision == 2)
    }

    @Test func `may be a gRPC client that asks from the listener on`() throws {
        let bench = try bench()
        let client = Client(bench, agent: "gRPC C-core")
        client.ask(.listener, ["reviews"])
        #expect(client.waiting == ["Listener 1 ×1"])
        client.answer(.listener, ["reviews"])
        client.ask(.routeConfiguration, ["reviews"])
        client.answer(.routeConfiguration, ["reviews"])
        client.ask(.cluster, clusters)
        client.answer(.cluster, clusters)
        client.ask(.endpointAssignment, clusters)
        client.answer(.endpointAssignment, clusters)
        #expect(bench.fleet.all[0].revision == 1)
        split(bench, 50)
        client.answer(.routeConfiguration, ["reviews"])
        #expect(bench.fleet.all[0].revision == 2)
        // What another service does is none of its business.
        bench.send("PUT", "/v1/services/a", #"{"versions": {"v1": {"endpoints": []}}}"#)
        #expect(client.waiting.isEmpty)
        #expect(bench.fleet.all[0].revision == 3)
    }

    @Test func `that asks for what is not here is told so`() throws {
        let bench = try bench()
        let client = Client(bench)
        let hosts = "type.googleapis.com/envoy.config.route.v3.VirtualHost"
        client.ask(hosts, ["a"])
        client.ask(hosts, ["a"])
        #expect(client.waiting == ["\(hosts) 1 ×0"])

        let other = Client(bench, id: "grpc")
        other.ask(.listener, ["nobody"])
        #expect(other.waiting == ["Listener 1 ×0"])
        other.answer(.listener, ["nobody"])
        #expect(bench.fleet.all.last?.revision == 1)
    }

    @Test func `that makes no sense is sent away`() throws {
        let bench = try bench()
        let garbage = Client(bench)
        garbage.send([0xFF, 0xFF, 0xFF])
        #expect(garbage.verdict != .goOn)

        let nameless = Client(bench)
        nameless.send(DiscoveryRequest(typeURL: ResourceType.cluster.typeURL).encoded)
        #expect(nameless.verdict != .goOn)

        let wrong = Client(bench)
        let node = NodeIdentity(
            id: "x", cluster: "y", metadata: ["outbound_address": .string("here")])
        wrong.send(DiscoveryRequest(typeURL: ResourceType.cluster.typeURL, node: node).encoded)
        guard case .end(.invalid(let reason)) = wrong.verdict else {
            Issue.record("it was taken")
            return
        }
        #expect(reason.hasPrefix("node.metadata.outbound_address"))
        #expect(bench.fleet.count == 0)
    }

    @Test func `comes back after a restart and is told at once`() throws {
        let bench = try bench()
        for _ in 0..<500 {
            let client = Client(bench)
            settle(client)
            #expect(client.waiting.isEmpty)
        }
        #expect(bench.fleet.coverage(of: 1).applied == 500)
    }
}
