import Mesh
import Testing
import XDS

@Suite struct `Configurations that are pushed at random` {
    @Test(arguments: 0..<20)
    func `end up in effect, each of them whole`(round: Int) throws {
        let seed = UInt64.random(in: 0...UInt64.max)
        var pushing = try Pushing(seed: seed)
        for _ in 0..<300 { try pushing.step() }
        try pushing.settle()
        #expect(pushing.proxy.brokenSnapshots == [], "seed \(seed)")
        #expect(pushing.proxy.rejections == [], "seed \(seed)")
        let snapshot = pushing.proxy.state.inEffect
        #expect(snapshot.listeners == pushing.wanted.listeners, "seed \(seed)")
        #expect(snapshot.routeConfigurations == pushing.wanted.routeConfigurations, "seed \(seed)")
        #expect(snapshot.clusters == pushing.wanted.clusters, "seed \(seed)")
        #expect(snapshot.assignments == pushing.wanted.assignments, "seed \(seed)")
        #expect(snapshot.secrets == pushing.wanted.secrets, "seed \(seed)")
        #expect(pushing.proxy.unprovided == [], "seed \(seed)")
        #expect(pushing.server.isUpToDate, "seed \(seed)")
    }
}

/// The server's side and the proxy's side with a network that loses streams.
private struct Pushing {
    var proxy: Proxy
    var server = ServerStream()
    private(set) var wanted = Snapshot()
    private var offer: ResourceOffer
    private var read = 0
    private var toProxy: [DiscoveryResponse] = []
    private var isOpen = false
    private var version = 0
    private var random: SeededGenerator

    init(seed: UInt64) throws {
        random = SeededGenerator(state: seed)
        proxy = try Proxy()
        proxy.appliesAtOnce = false
        let none = ResourceOffer.Collection(version: "0", resources: [])
        offer = ResourceOffer(
            listeners: none, routeConfigurations: none, clusters: none, endpointAssignments: none)
    }

    mutating func step() throws {
        switch Int.random(in: 0..<20, using: &random) {
        case 0, 1: try change()
        case 2 where isOpen: close()
        case 2: open()
        case 3..<8: deliverToServer()
        case 8..<14: deliverToProxy()
        default: proxy.finishApply()
        }
    }

    mutating func settle() throws {
        if !isOpen { open() }
        for _ in 0..<100 {
            while read < proxy.asked.count { deliverToServer() }
            while !toProxy.isEmpty { deliverToProxy() }
            proxy.finishApply()
        }
    }

    private mutating func change() throws {
        version += 1
        let names = "abcdef".map(String.init).filter { _ in Bool.random(using: &random) }
        var assignments: [Resource] = []
        for name in names {
            assignments.append(
                try assignment(name, port: UInt16.random(in: 1...3, using: &random)))
        }
        var configurations: [Resource] = []
        var listeners: [Resource] = []
        for name in ["r", "s"] where !names.isEmpty && Bool.random(using: &random) {
            let used = names.filter { _ in Bool.random(using: &random) }
            configurations.append(try routes(name, to: used))
            listeners.append(
                Bool.random(using: &random)
                    ? try secured(listener: "l" + name, routes: name, identity: "l" + name)
                    : try listener("l" + name, routes: name))
        }
        // Which clusters are secured stays so: others would have to be told apart by name.
        let clusters = try names.map { "ace".contains($0) ? try secured(cluster: $0) : try eds($0) }
        func collection(_ resources: [Resource]) -> ResourceOffer.Collection {
            ResourceOffer.Collection(version: String(version), resources: resources)
        }
        offer = ResourceOffer(
            listeners: collection(listeners), routeConfigurations: collection(configurations),
            clusters: collection(clusters), endpointAssignments: collection(assignments),
            secrets: collection(
                try ["identity", "lr", "ls"].map { try secret($0, anyText()).resource }
                    + [try roots("roots", anyText()).resource]))
        try noteWanted()
        server.update(offer)
        send()
    }

    private mutating func anyText() -> String { String(Int.random(in: 0..<3, using: &random)) }

    private mutating func noteWanted() throws {
        var decoder = ResourceDecoder(rejectsUnknownFields: true)
        wanted = Snapshot(
            listeners: try offer.listeners.resources.mapValues { try decoder.listener($0.body) },
            routeConfigurations: try offer.routeConfigurations.resources.mapValues {
                try decoder.routeConfiguration($0.body)
            },
            clusters: try offer.clusters.resources.mapValues { try decoder.cluster($0.body) },
            assignments: try offer.endpointAssignments.resources.mapValues {
                try decoder.endpointAssignment($0.body)
            })
        for name in wanted.discoveredSecretNames {
            wanted.secrets[name] = try offer.secrets.resources[name].map {
                try decoder.secret($0.body)
            }
        }
    }

    private mutating func close() {
        isOpen = false
        proxy.state.streamDidClose()
        read = proxy.asked.count
        toProxy = []
        server = ServerStream()
        server.update(offer)
    }

    private mutating func open() {
        isOpen = true
        read = proxy.asked.count
        proxy.open()
    }

    private mutating func deliverToServer() {
        guard read < proxy.asked.count else { return }
        _ = server.receive(proxy.asked[read])
        read += 1
        send()
    }

    private mutating func send() {
        if isOpen { toProxy += server.responses(at: .zero) }
    }

    private mutating func deliverToProxy() {
        if !toProxy.isEmpty { proxy.hear(toProxy.removeFirst()) }
    }
}
