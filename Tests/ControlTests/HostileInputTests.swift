import Mesh
import Testing
import XDS

@testable import Control

@Suite struct `Hostile input` {
    private func mutate(_ bytes: [UInt8], using generator: inout Generator) -> [UInt8] {
        var bytes = bytes
        for _ in 0..<Int.random(in: 1...4, using: &generator) where !bytes.isEmpty {
            let start = Int.random(in: bytes.indices, using: &generator)
            let end = min(bytes.count, start + Int.random(in: 1...8, using: &generator))
            switch Int.random(in: 0..<4, using: &generator) {
            case 0: bytes[start] = UInt8.random(in: 0...255, using: &generator)
            case 1: bytes.removeSubrange(start..<end)
            case 2: bytes.insert(contentsOf: bytes[start..<end], at: start)
            default:
                let other = Array("{}[]\",:0123456789.-e\\u\u{0}".utf8)
                bytes[start] = other.randomElement(using: &generator) ?? 0
            }
        }
        return bytes
    }

    @Test func `to the API is answered, and never by a failure of ours`() throws {
        let seed = UInt64.random(in: 1...UInt64.max)
        var generator = Generator(state: seed)
        let bench = try Bench()
        bench.send("PUT", "/v1/services/reviews", reviews)
        let split = #"{"weights": {"v1": 99.5, "v2": 0.5}, "reason": "x", "revision": 1}"#
        let calls = [
            ("PUT", "/v1/services/reviews?reason=%C3%A4&dryRun=true", reviews),
            ("PUT", "/v1/services/reviews", reviews),
            ("PUT", "/v1/services/reviews/split?route=default&dryRun=false", split),
            ("POST", "/v1/revisions/1:restore?dryRun=true", #"{"reason": "x"}"#),
            ("GET", "/v1/revisions?limit=10&before=5", ""),
        ]
        for _ in 0..<1_500 {
            let (method, target, body) = calls[Int.random(in: calls.indices, using: &generator)]
            let isTarget = Int.random(in: 0..<4, using: &generator) == 0
            let sent =
                isTarget
                ? String(decoding: mutate(Array(target.utf8), using: &generator), as: UTF8.self)
                : target
            let request = APIRequest(
                method, sent, fields: [("content-type", "application/json")],
                body: isTarget ? Array(body.utf8) : mutate(Array(body.utf8), using: &generator))
            guard case .reply(let reply) = bench.api.respond(to: request) else { continue }
            #expect(reply.status < 500, "seed \(seed): \(method) \(sent)")
        }
    }

    @Test func `to a subscriber ends its stream at the worst`() throws {
        let seed = UInt64.random(in: 1...UInt64.max)
        var generator = Generator(state: seed)
        let bench = try Bench()
        bench.send("PUT", "/v1/services/reviews", reviews)
        let node = NodeIdentity(
            id: "x", cluster: "y", metadata: ["outbound_address": .string("127.0.0.1:15001")])
        let names = [[], ["*"], ["reviews"], ["outbound"], ["reviews/v1", "reviews/v2"]]
        for _ in 0..<200 {
            var sentCount = 0
            let subscriber = bench.publisher.subscribe(from: "127.0.0.1:9") { _ in sentCount += 1 }
            for round in 0..<20 {
                let type = ResourceType.allCases.randomElement(using: &generator) ?? .cluster
                let isRefusal = Int.random(in: 0..<8, using: &generator) == 0
                let request = DiscoveryRequest(
                    typeURL: type.typeURL,
                    version: "\(Int.random(in: 0...2, using: &generator))",
                    node: round == 0 ? node : nil,
                    resourceNames: names.randomElement(using: &generator) ?? [],
                    responseNonce: "\(Int.random(in: 0...12, using: &generator))",
                    errorDetail: isRefusal ? "no" : nil)
                let isWhole = Int.random(in: 0..<4, using: &generator) > 0
                let message =
                    isWhole ? request.encoded : mutate(request.encoded, using: &generator)
                _ = subscriber.receive(message, at: .seconds(round))
            }
            #expect(sentCount <= 4 * 20 * 2, "seed \(seed)")
            bench.publisher.unsubscribe(subscriber)
        }
        #expect(bench.fleet.count == 0)
    }
}
