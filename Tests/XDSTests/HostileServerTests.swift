import Mesh
import Testing
import XDS

@Suite struct `A server that sends anything` {
    @Test(arguments: 0..<10)
    func `never makes a configuration that is not whole`(round: Int) throws {
        let seed = UInt64.random(in: 0...UInt64.max)
        var random = SeededGenerator(state: seed)
        var proxy = try Proxy()
        proxy.open()
        let bodies = try wellFormed()
        var time = Duration.zero
        for step in 0..<300 {
            switch Int.random(in: 0..<12, using: &random) {
            case 0:
                time += .seconds(Int.random(in: 0...10, using: &random))
                proxy.pass(time)
            case 1:
                proxy.state.streamDidClose()
                proxy.open()
            case 2: proxy.failing = Bool.random(using: &random) ? ["l": "no"] : [:]
            case 3: proxy.appliesAtOnce = Bool.random(using: &random)
            case 4: proxy.finishApply()
            case 5 where Int.random(in: 0..<10, using: &random) == 0:
                proxy.provide(try secret("own", Bool.random(using: &random) ? "a" : "b"))
            default:
                let response = response(bodies, "n\(step)", &random)
                proxy.hear(response)
            }
        }
        proxy.failing = [:]
        proxy.finishApply()
        #expect(proxy.brokenSnapshots == [], "seed \(seed)")
        #expect(proxy.unprovided == [], "seed \(seed)")
        #expect(proxy.state.inEffect.missingReferences == [], "seed \(seed)")
    }

    /// Some resources, some of them with a damaged byte, under a type that may be another.
    private func response(
        _ bodies: [Resource], _ nonce: String, _ random: inout SeededGenerator
    ) -> DiscoveryResponse {
        let type = ResourceType.allCases.randomElement(using: &random) ?? .cluster
        let isMixed = Int.random(in: 0..<20, using: &random) == 0
        var entries: [DiscoveryResponse.Entry] = []
        for resource in bodies where isMixed || resource.type == type {
            guard Bool.random(using: &random) else { continue }
            var body = resource.body
            if Int.random(in: 0..<6, using: &random) == 0 {
                let index = Int.random(in: body.indices, using: &random)
                body[index] = UInt8.random(in: 0...255, using: &random)
            }
            entries.append(.init(typeURL: resource.type.typeURL, body: body))
        }
        return DiscoveryResponse(
            typeURL: type.typeURL, version: nonce, nonce: nonce, resources: entries)
    }

    private func wellFormed() throws -> [Resource] {
        let names = ["a", "b", "c"]
        return try names.map(eds) + names.map { try assignment($0) } + [
            routes("r", to: ["a", "b"]), routes("s", to: ["c"]), routes("t", to: ["nowhere"]),
            listener("l", routes: "r"), listener("m", routes: "s"), listener("n", routes: "t"),
            secured(cluster: "a", identity: "x"), secured(cluster: "c", identity: "own"),
            secured(listener: "m", routes: "s", identity: "y"),
            secured(listener: "o", routes: "r", identity: "x"),
            secret("x", "1").resource, secret("x", "2").resource, secret("x", "damaged").resource,
            secret("y", "1").resource, secret("y", "damaged").resource, roots("roots").resource,
        ]
    }
}
