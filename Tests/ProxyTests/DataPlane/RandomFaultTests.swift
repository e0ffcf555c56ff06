import Balancing
import EventLoop
import Glibc
import Kernel
import Mesh
import Synchronization
import Testing

@testable import Proxy

/// Thousands of exchanges in which both sides cut, stall, close and reset wherever they like.
@Suite(.serialized) struct `Random faults` {
    private static let clientCount = 4
    private static let connectionsPerClient = 250

    @Test(arguments: [Cluster.UpstreamProtocol.http1, .http2])
    func `leave nothing behind, mix up nothing and repeat nothing that is not safe`(
        upstreamProtocol: Cluster.UpstreamProtocol
    ) throws {
        let seed = Machine.randomNumber()
        print("seed \(seed)")
        let record = Record()
        let upstreams = try (0..<3).map { index in
            try Upstream { peer in
                let random = SplitMix(seed &+ UInt64(index) &+ record.nextConnection() &* 977)
                if upstreamProtocol == .http2 {
                    FaultyHTTP2Server(peer: peer, record: record, random: random).run()
                } else {
                    var server = FaultyServer(peer: peer, record: record, random: random)
                    server.run()
                }
            }
        }
        defer { for upstream in upstreams { upstream.stop() } }
        let rig = try Rig(workerCount: 2)
        var random = SplitMix(seed)
        try swap(rig, upstreams, upstreamProtocol, &random)
        let limits = try #require(rig.dataPlane.limits["c"])
        let address = rig.address
        let runningCount = Atomic(Self.clientCount)
        var threads: [JoinableThread] = []
        for client in 0..<Self.clientCount {
            threads.append(
                try JoinableThread {
                    var client = FaultyClient(
                        address: address, record: record, name: client,
                        random: SplitMix(seed &* 31 &+ UInt64(client)))
                    for _ in 0..<Self.connectionsPerClient { client.runConnection() }
                    runningCount.wrappingSubtract(1, ordering: .relaxed)
                })
        }
        var swapCount = 0
        while runningCount.load(ordering: .relaxed) > 0 {
            try swap(rig, upstreams, upstreamProtocol, &random)
            swapCount += 1
            try rig.loop.turn(longestWait: .milliseconds(5))
        }
        for thread in threads { thread.join() }
        #expect(record.faults == [])
        #expect(record.answerCount > 1000)
        #expect(try rig.turn(until: { rig.isQuiet && rig.clientCount == 0 }))
        for resource in ClusterLimits.Resource.allCases where resource != .connections {
            #expect(limits.activeCount(resource) == 0, "\(resource)")
        }
        try checkThatItAnswers(rig, upstreams)
        try rig.apply(routes: [try Rig.directRoute(byteCount: 1)], clusters: [])
        #expect(try rig.turn(until: { rig.upstreamConnectionCount == 0 }))
        #expect(limits.activeCount(.connections) == 0)
        print("\(record.answerCount) answers, \(record.brokenCount) broken, \(swapCount) swaps")
    }

    /// Another configuration, in which cluster `c` has other endpoints and `d` comes and goes.
    private func swap(
        _ rig: Rig, _ upstreams: [Upstream], _ upstreamProtocol: Cluster.UpstreamProtocol,
        _ random: inout SplitMix
    ) throws {
        let count = 1 + random.below(upstreams.count)
        let breakers = CircuitBreakers(connections: random.oneIn(2) ? 3 : 1024, pendingRequests: 8)
        var clusters = [
            try Rig.cluster(
                endpoints: upstreams.prefix(count).map(\.address), breakers: breakers,
                speaking: upstreamProtocol)
        ]
        let retry = try RetryPolicy(
            conditions: [.reset, .serverError], retryCount: 2, perTryTimeout: .milliseconds(40),
            baseInterval: .milliseconds(1))
        var routes = [try Rig.directRoute(byteCount: 100)]
        if random.oneIn(2) {
            clusters.append(
                try Rig.cluster(
                    "d", endpoints: upstreams.map(\.address), speaking: upstreamProtocol))
            routes.append(
                Route(
                    match: RouteMatch(path: .prefix("/d")),
                    action: .forward(
                        try ForwardAction(
                            destination: .cluster("d"), timeout: .milliseconds(300)))))
        }
        routes.append(
            Route(
                match: RouteMatch(path: .prefix("/retry")),
                action: .forward(
                    try ForwardAction(
                        destination: .cluster("c"), timeout: .milliseconds(300),
                        retryPolicy: retry))))
        routes.append(try Rig.route(timeout: .milliseconds(60)))
        try rig.apply(routes: routes, clusters: clusters)
    }

    private func checkThatItAnswers(_ rig: Rig, _ upstreams: [Upstream]) throws {
        let healthy = try Upstream { peer in
            while peer.readMessage().isComplete {
                peer.send("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")
            }
        }
        defer { healthy.stop() }
        try rig.apply(to: [healthy])
        for _ in 0..<10 {
            let client = try rig.connect()
            for _ in 0..<10 {
                client.send("GET / HTTP/1.1\r\nhost: a\r\n\r\n")
                #expect(client.readMessage().text == "ok")
            }
        }
    }
}

/// What both sides saw.
final class Record: Sendable {
    private struct State {
        var connectionCount: UInt64 = 0
        var faults: [String] = []
        var heads: [String: Int] = [:]
        var answerCount = 0
        var brokenCount = 0
    }

    private let state = Mutex(State())

    func nextConnection() -> UInt64 {
        state.withLock {
            $0.connectionCount += 1
            return $0.connectionCount
        }
    }

    /// A server got the head of a request; one that must not be repeated comes once.
    func arrived(_ request: Peer.Message) {
        guard request.head.hasPrefix("POST"), let id = request.value(of: "x-id") else { return }
        arrivedOnce(id)
    }

    /// A server has acted on a request that must not be repeated.
    func arrivedOnce(_ id: String) {
        state.withLock { state in
            state.heads[id, default: 0] += 1
            if state.heads[id] == 2 { state.faults.append("\(id) came twice") }
        }
    }

    func answered() { state.withLock { $0.answerCount += 1 } }
    func broken() { state.withLock { $0.brokenCount += 1 } }

    func add(_ fault: String) {
        state.withLock { if $0.faults.count < 20 { $0.faults.append(fault) } }
    }

    var faults: [String] { state.withLock { $0.faults } }
    var answerCount: Int { state.withLock { $0.answerCount } }
    var brokenCount: Int { state.withLock { $0.brokenCount } }
}

struct SplitMix {
    private var state: UInt64

    init(_ seed: UInt64) {
        state = seed
    }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    mutating func below(_ bound: Int) -> Int { Int(next() % UInt64(bound)) }
    mutating func oneIn(_ count: Int) -> Bool { below(count) == 0 }
}
