import Testing
import XDS

@Suite struct `A stream between server and client` {
    @Test(arguments: 0..<40)
    func `converges whatever is lost, and breaks no route on the way`(round: Int) {
        let seed = UInt64.random(in: 0...UInt64.max)
        // Only a client that keeps clusters in use is safe from what happens while it is away.
        var pair = Pair(seed: seed, losesStreams: round % 2 == 0)
        for _ in 0..<400 { pair.step() }
        pair.settle()
        #expect(pair.brokenRoutes == [], "seed \(seed)")
        #expect(pair.client.values == pair.wanted, "seed \(seed)")
        #expect(pair.server.isUpToDate, "seed \(seed)")
    }

    @Test func `holds routes back for a client that does not ask for endpoints, but not for ever`()
    {
        var stream = ServerStream()
        _ = stream.receive(DiscoveryRequest(typeURL: ResourceType.cluster.typeURL))
        _ = stream.receive(DiscoveryRequest(typeURL: ResourceType.listener.typeURL))
        stream.update(offer(version: 1, clusters: ["a": 1], routes: ["r": ["a"]]))
        let first = stream.responses(at: .seconds(1))
        #expect(first.map(\.typeURL) == [ResourceType.cluster.typeURL])
        let answer = DiscoveryRequest(
            typeURL: ResourceType.cluster.typeURL, version: "1", responseNonce: first[0].nonce)
        _ = stream.receive(answer)
        #expect(stream.responses(at: .seconds(2)) == [])
        #expect(stream.deadline == .seconds(11))
        let late = stream.responses(at: .seconds(11))
        #expect(late.map(\.typeURL) == [ResourceType.listener.typeURL])
    }

    @Test func `answers a gRPC client that starts from a listener by name`() {
        var stream = ServerStream()
        stream.update(offer(version: 1, clusters: ["a": 1], routes: ["r": ["a"]]))
        for (type, name) in [
            (ResourceType.listener, "r"), (.routeConfiguration, "r"), (.cluster, "a"),
            (.endpointAssignment, "a"),
        ] {
            _ = stream.receive(
                DiscoveryRequest(typeURL: type.typeURL, resourceNames: [name]))
            let responses = stream.responses(at: .zero)
            #expect(responses.map(\.typeURL) == [type.typeURL])
            #expect(responses.first?.resources.count == 1)
            _ = stream.receive(
                DiscoveryRequest(
                    typeURL: type.typeURL, version: "1", resourceNames: [name],
                    responseNonce: responses.first?.nonce ?? ""))
        }
        #expect(stream.isUpToDate)
    }

    @Test func `has nothing to say about a type that it does not have`() {
        var stream = ServerStream()
        let url = "type.googleapis.com/envoy.config.route.v3.VirtualHost"
        #expect(stream.receive(DiscoveryRequest(typeURL: url)) == .unknownType(url))
        #expect(stream.responses(at: .zero) == [])
    }
}

// `routes` holds the clusters that each configuration uses; a listener of its name uses it.
private func offer(
    version: Int, clusters: [String: UInt8], routes: [String: [String]]
) -> ResourceOffer {
    func collection(
        _ type: ResourceType, _ bodies: [String: [UInt8]]
    ) -> ResourceOffer.Collection {
        ResourceOffer.Collection(
            version: String(version),
            resources: bodies.map {
                Resource(type: type, name: $0.key, body: Array($0.key.utf8) + $0.value)
            })
    }
    return ResourceOffer(
        listeners: collection(.listener, routes.mapValues { _ in [0] }),
        routeConfigurations: collection(
            .routeConfiguration, routes.mapValues { $0.joined(separator: ",").utf8.map { $0 } }),
        clusters: collection(.cluster, clusters.mapValues { [$0] }),
        endpointAssignments: collection(.endpointAssignment, clusters.mapValues { [$0] }))
}

/// A server, a client that puts everything in effect some time, and a network between them.
private struct Pair {
    struct Client {
        var subscriptions = ResourceType.allCases.map(ClientSubscription.init)
        var values: [ResourceType: [String: [UInt8]]] = [:]
        var offeredClusters: Set<String> = []
        var pending: [(Int, ClientSubscription.Receipt, DiscoveryResponse)] = []
    }

    var client = Client()
    var server = ServerStream()
    private(set) var brokenRoutes: [String] = []
    private var toServer: [DiscoveryRequest] = []
    private var toClient: [DiscoveryResponse] = []
    private var isOpen = false
    private var current: ResourceOffer
    private var version = 1
    private var random: SeededGenerator

    private let losesStreams: Bool

    init(seed: UInt64, losesStreams: Bool) {
        self.losesStreams = losesStreams
        random = SeededGenerator(state: seed)
        current = offer(version: 1, clusters: [:], routes: [:])
        server.update(current)
    }

    var wanted: [ResourceType: [String: [UInt8]]] {
        var wanted: [ResourceType: [String: [UInt8]]] = [:]
        for type in ResourceType.allCases {
            if type == .secret { continue }
            wanted[type] = current[type].resources.mapValues { Array($0.body.dropFirst()) }
        }
        return wanted
    }

    mutating func step() {
        switch Int.random(in: 0..<20, using: &random) {
        case 0: change()
        case 1 where isOpen && losesStreams: close()
        case 2 where !isOpen: open()
        case 3..<8: deliverToServer()
        case 8..<13: deliverToClient()
        case 13..<18: decide()
        default: send()
        }
    }

    mutating func settle() {
        if !isOpen { open() }
        for _ in 0..<200 {
            while !toServer.isEmpty { deliverToServer() }
            send()
            while !toClient.isEmpty { deliverToClient() }
            while !client.pending.isEmpty { decide() }
        }
    }

    private mutating func change() {
        version += 1
        var clusters: [String: UInt8] = [:]
        for name in "abcdef" where Bool.random(using: &random) {
            clusters[String(name)] = UInt8.random(in: 0...2, using: &random)
        }
        var routes: [String: [String]] = [:]
        for name in "rst" where !clusters.isEmpty && Bool.random(using: &random) {
            routes[String(name)] = clusters.keys.filter { _ in Bool.random(using: &random) }
                .sorted()
        }
        current = offer(version: version, clusters: clusters, routes: routes)
        server.update(current)
    }

    private mutating func close() {
        isOpen = false
        toServer = []
        toClient = []
        for index in client.subscriptions.indices { client.subscriptions[index].streamDidClose() }
        server = ServerStream()
        server.update(current)
    }

    private mutating func open() {
        isOpen = true
        for index in client.subscriptions.indices {
            if let request = client.subscriptions[index].streamDidOpen() {
                toServer.append(request)
            }
        }
    }

    private mutating func deliverToServer() {
        guard !toServer.isEmpty else { return }
        _ = server.receive(toServer.removeFirst())
        send()
    }

    private mutating func send() {
        if isOpen { toClient += server.responses(at: .zero) }
    }

    private mutating func deliverToClient() {
        guard !toClient.isEmpty else { return }
        let response = toClient.removeFirst()
        let index = ResourceType.allCases.firstIndex { $0.typeURL == response.typeURL } ?? 0
        guard let receipt = client.subscriptions[index].receive(response) else { return }
        client.pending.append((index, receipt, response))
        let type = ResourceType.allCases[index]
        // Names are asked for as soon as it is clear which, before the answer.
        var names = Set(response.resources.map(name))
        if losesStreams, type == .cluster { names.formUnion(usedClusters.keys) }
        switch type {
        case .listener: subscribe(.routeConfiguration, names)
        case .cluster: subscribe(.endpointAssignment, names)
        case .routeConfiguration, .endpointAssignment, .secret: break
        }
    }

    private mutating func subscribe(_ type: ResourceType, _ names: Set<String>) {
        let index = ResourceType.allCases.firstIndex(of: type) ?? 0
        if let request = client.subscriptions[index].subscribe(to: names) {
            toServer.append(request)
        }
    }

    /// Puts the oldest response in effect, as a client does after it has looked at it.
    private mutating func decide() {
        guard !client.pending.isEmpty else { return }
        let (index, receipt, response) = client.pending.removeFirst()
        let type = ResourceType.allCases[index]
        var values = type.isStateOfTheWorld ? [:] : client.values[type, default: [:]]
        if type == .cluster, losesStreams { values = usedClusters }
        if type == .cluster { client.offeredClusters = Set(response.resources.map(name)) }
        for entry in response.resources { values[name(entry)] = Array(entry.body.dropFirst()) }
        client.values[type] = values
        forgetUnused()
        checkRoutes()
        if let request = client.subscriptions[index].accept(receipt) { toServer.append(request) }
    }

    private var usedClusters: [String: [UInt8]] {
        let used = client.values[.routeConfiguration, default: [:]].values.flatMap {
            String(decoding: $0, as: UTF8.self).split(separator: ",").map(String.init)
        }
        return client.values[.cluster, default: [:]].filter { used.contains($0.key) }
    }

    private mutating func forgetUnused() {
        if losesStreams {
            let used = usedClusters
            client.values[.cluster] = client.values[.cluster]?.filter {
                client.offeredClusters.contains($0.key) || used[$0.key] != nil
            }
        }
        for (user, used) in [
            (ResourceType.listener, ResourceType.routeConfiguration),
            (.cluster, .endpointAssignment),
        ] {
            let names = client.values[user, default: [:]]
            client.values[used, default: [:]] = client.values[used, default: [:]].filter {
                names[$0.key] != nil
            }
        }
    }

    /// Every cluster of a route must be there with its endpoints.
    private mutating func checkRoutes() {
        for (route, body) in client.values[.routeConfiguration, default: [:]] {
            for cluster in String(decoding: body, as: UTF8.self).split(separator: ",") {
                let name = String(cluster)
                if client.values[.cluster]?[name] == nil
                    || client.values[.endpointAssignment]?[name] == nil
                {
                    brokenRoutes.append("\(route) → \(name)")
                }
            }
        }
    }
}

extension Pair {
    /// The bodies of this test carry no names, so the first byte is taken for it.
    private func name(_ entry: DiscoveryResponse.Entry) -> String {
        String(decoding: entry.body.prefix(1), as: UTF8.self)
    }
}
