import EventLoop
import HTTP
import Kernel
import Mesh
import Telemetry
import Testing
import Transport
import XDS

@testable import Proxy

@Suite struct `A discovery client` {
    @Test func `puts in effect what the server has, and acknowledges it after that`() throws {
        let loop = try EventLoop()
        let server = try Server(on: loop)
        let sink = Sink()
        let metrics = DiscoveryMetrics()
        let client = client(on: loop, server.address, sink, metrics)
        try server.offer(version: 1, weight: 5)
        client.start()
        #expect(!client.isReady)
        try loop.turn(until: { sink.unanswered != nil })
        while sink.snapshot?.listeners.isEmpty != false {
            sink.answer()
            try loop.turn(until: { sink.unanswered != nil || client.isReady })
        }
        #expect(client.isReady)
        try loop.turn(until: { server.isUpToDate })
        try server.offer(version: 2, weight: 50)
        try loop.turn(until: { sink.unanswered != nil })
        #expect(!server.isUpToDate)
        sink.answer()
        try loop.turn(until: { server.isUpToDate })
        #expect(sink.weights == [50, 50])
        #expect(sink.snapshot?.versions.routes == "2")
        #expect(metrics.updateCount(of: .routes) == 2)
        #expect(metrics.isConnected.value == 1)
        client.stop()
    }

    @Test func `tells the server what it cannot apply, and stays as it is`() throws {
        let loop = try EventLoop()
        let server = try Server(on: loop)
        let sink = Sink()
        sink.answersAtOnce = true
        let metrics = DiscoveryMetrics()
        let client = client(on: loop, server.address, sink, metrics)
        try server.offer(version: 1, weight: 5)
        client.start()
        try loop.turn(until: { server.isUpToDate })
        sink.refusal = ApplyError(.routeConfiguration("outbound"), "because")
        try server.offer(version: 2, weight: 50)
        try loop.turn(until: { server.refusal != nil })
        #expect(server.refusal == "RouteConfiguration \"outbound\": because")
        #expect(sink.weights == [5, 95])
        #expect(client.lastRejections[.routeConfiguration] == server.refusal)
        #expect(metrics.rejectionCount(of: .routes) == 1)
        sink.refusal = nil
        try server.offer(version: 3, weight: 20)
        try loop.turn(until: { server.isUpToDate })
        #expect(sink.weights == [20, 80])
        #expect(client.lastRejections.isEmpty)
        client.stop()
    }

    @Test func `comes back to a server that went away, and starts from disk without one`() throws {
        let loop = try EventLoop()
        let folder = try Folder()
        let server = try Server(on: loop)
        let address = server.address
        let sink = Sink()
        sink.answersAtOnce = true
        let metrics = DiscoveryMetrics()
        let client = client(on: loop, address, sink, metrics, stateDirectory: folder.path)
        try server.offer(version: 1, weight: 5)
        client.start()
        try loop.turn(until: { server.isUpToDate })
        server.close()
        try loop.turn(until: { metrics.isConnected.value == 0 })
        #expect(client.isReady)
        client.stop()

        let restarted = Sink()
        restarted.answersAtOnce = true
        let second = self.client(
            on: loop, address, restarted, metrics, stateDirectory: folder.path)
        second.start()
        #expect(second.isReady)
        #expect(restarted.weights == [5, 95])
        let next = try Server(on: loop, address: address)
        try next.offer(version: 2, weight: 10)
        try loop.turn(until: { next.isUpToDate })
        #expect(restarted.weights == [10, 90])
        second.stop()
    }

    private func client(
        on loop: EventLoop, _ address: SocketAddress, _ sink: Sink, _ metrics: DiscoveryMetrics,
        stateDirectory: String? = nil
    ) -> DiscoveryClient {
        let control = Bootstrap.HostAndPort(host: address.hostText, port: address.port)
        let bootstrap = Bootstrap(
            node: NodeIdentity(id: "i", cluster: "c"), admin: nil, control: control)
        return DiscoveryClient(
            on: loop, bootstrap: bootstrap, sink: sink, metrics: metrics,
            stateDirectory: stateDirectory
        ) { _ in }
    }
}

extension EventLoop {
    /// Turns until `condition` holds; gives up after some seconds.
    fileprivate func turn(until condition: () -> Bool) throws {
        let end = Instant.now() + .seconds(20)
        while !condition() {
            try turn(longestWait: .milliseconds(50))
            try #require(Instant.now() < end)
        }
    }
}

private final class Sink: ConfigurationSink {
    var answersAtOnce = false
    var refusal: ApplyError?
    private(set) var snapshot: Snapshot?
    private(set) var unanswered: (Snapshot, (Result<Void, ApplyError>) -> Void)?

    func apply(_ snapshot: Snapshot, completion: @escaping (Result<Void, ApplyError>) -> Void) {
        unanswered = (snapshot, completion)
        if answersAtOnce { answer() }
    }

    func answer() {
        guard let (snapshot, completion) = unanswered else { return }
        unanswered = nil
        if let refusal {
            completion(.failure(refusal))
        } else {
            self.snapshot = snapshot
            completion(.success(()))
        }
    }

    var weights: [UInt32] {
        let route = snapshot?.routeConfigurations["outbound"]?.virtualHosts.first?.routes.first
        guard case .forward(let action)? = route?.action,
            case .weighted(let clusters) = action.destination
        else { return [] }
        return clusters.entries.map(\.weight)
    }
}

/// A control plane that has one service with two versions.
private final class Server: GRPCServerDelegate, GRPCServerCallHandler {
    private var server: GRPCServer?
    private var stream = ServerStream()
    private var offer: ResourceOffer?
    private var call: GRPCServerCall?
    private(set) var address = SocketAddress.loopback(port: 0)
    private(set) var refusal: String?

    init(on loop: EventLoop, address: SocketAddress = .loopback(port: 0)) throws {
        let server = try GRPCServer(loop: loop, address: address, delegate: self)
        self.server = server
        self.address = server.address
    }

    var isUpToDate: Bool { call != nil && stream.isUpToDate }

    func close() {
        server?.close()
        server = nil
    }

    func offer(version: Int, weight: UInt32) throws {
        let names = ["reviews/v1", "reviews/v2"]
        let split = try WeightedClusters(entries: [
            try WeightedClusters.Entry(name: names[0], weight: weight),
            try WeightedClusters.Entry(name: names[1], weight: 100 - weight),
        ])
        let route = Route(
            name: "reviews/default", match: RouteMatch(path: .prefix("/")),
            action: .forward(try ForwardAction(destination: .weighted(split))))
        let routes = try RouteConfiguration(
            name: "outbound",
            virtualHosts: [try VirtualHost(name: "reviews", domains: [.any], routes: [route])])
        let listener = try Listener(
            name: "outbound", host: "127.0.0.1", port: 15001, routes: .discovered("outbound"))
        func collection(_ resources: [Resource]) -> ResourceOffer.Collection {
            ResourceOffer.Collection(version: String(version), resources: resources)
        }
        offer = ResourceOffer(
            listeners: collection([listener.resource]),
            routeConfigurations: collection([routes.resource]),
            clusters: collection(
                try names.map { try Cluster(name: $0, discovery: .eds(serviceName: $0)).resource }),
            endpointAssignments: collection(
                try names.map { try EndpointAssignment(clusterName: $0).resource }))
        if let offer { stream.update(offer) }
        send()
    }

    func server(_ server: GRPCServer, accept call: GRPCServerCall) -> (any GRPCServerCallHandler)? {
        guard call.path == AggregatedDiscoveryService.streamPath else { return nil }
        self.call = call
        stream = ServerStream()
        if let offer { stream.update(offer) }
        return self
    }

    func call(_ call: GRPCServerCall, didReceive message: [UInt8]) {
        guard let request = try? DiscoveryRequest(decoding: message) else { return }
        if case .request(_, .refusal(_, let reason)) = stream.receive(request) { refusal = reason }
        send()
    }

    func callDidEnd(_ call: GRPCServerCall) {}

    func call(_ call: GRPCServerCall, didClose status: GRPCStatus) {
        if self.call === call { self.call = nil }
    }

    private func send() {
        for response in stream.responses(at: .zero) { call?.send(message: response.encoded) }
    }
}
