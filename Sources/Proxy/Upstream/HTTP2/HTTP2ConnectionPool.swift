import Balancing
import EventLoop
import HTTP
import Kernel
import Mesh
import Telemetry

/// The HTTP/2 connections of one worker to one endpoint, and the exchanges that wait for a stream.
///
/// The first connection with room is used, so that others fall idle and are closed. A further one
/// is opened when those that are there take no more streams. How many there are, and how many
/// exchanges wait, is bounded for the whole cluster (``ClusterLimits``).
final class HTTP2ConnectionPool: ConnectionPool {
    /// How many streams most peers allow at least (RFC 9113 §6.5.2).
    static let likelyStreamCount = 100

    let address: SocketAddress
    let addressText: String
    let endpoint: EndpointHandle
    unowned let cluster: UpstreamCluster
    /// The same, as long as there is a connection: its end has to be told even when no
    /// configuration and no exchange knows the cluster any more.
    private var clusterInUse: UpstreamCluster?
    unowned let worker: Worker
    /// Those that take new streams, unless they are full.
    private var open: [HTTP2UpstreamConnection] = []
    private var waiting: [Exchange] = []
    /// Connections in any state.
    private var connectionCount = 0
    private var connectingCount = 0
    /// How many streams the peer let the latest connection have at once, once it has said so.
    private(set) var knownStreamCount: Int?
    private var isRetired = false

    init(
        to address: SocketAddress, endpoint: EndpointHandle, of cluster: UpstreamCluster,
        on worker: Worker
    ) {
        self.address = address
        addressText = address.description
        self.endpoint = endpoint
        self.cluster = cluster
        self.worker = worker
    }

    func connection(for exchange: Exchange, fresh isFresh: Bool) -> PoolAnswer {
        // Where there can be no fresh one, any will do.
        let needsFresh = isFresh && (expectsRoom(for: waiting.count + 1) || connect())
        if !needsFresh {
            for connection in open where connection.suits(exchange) {
                if let stream = connection.reserveStream() { return .upstream(stream) }
            }
        }
        guard cluster.limits.acquire(.pendingRequests) else { return .overflow }
        exchange.needsFreshConnection = needsFresh
        waiting.append(exchange)
        connectIfNeeded()
        return .waiting
    }

    func forget(_ exchange: Exchange) {
        guard let position = waiting.firstIndex(where: { $0 === exchange }) else { return }
        waiting.remove(at: position)
        cluster.limits.release(.pendingRequests)
    }

    func retire() {
        isRetired = true
        for connection in open { connection.withdraw() }
    }

    /// A connection attempt succeeded.
    func connected(_ connection: HTTP2UpstreamConnection) {
        connectingCount -= 1
        cluster.report(.connected, for: endpoint, now: worker.loop.now)
        cluster.metrics.connections.add()
        open.append(connection)
        serve(on: connection, isFresh: true)
        connectIfNeeded()
        settle(connection)
    }

    /// A connection attempt failed; who waited for it hears of it, at least the one that waits
    /// longest, since attempts that cost nobody anything would follow each other for ever.
    func connectFailed(blamesEndpoint: Bool = true) {
        let cluster = cluster
        connectingCount -= 1
        var failed: [Exchange] = []
        if connectingCount == 0 {
            let isLast = open.isEmpty
            failed = waiting.filter { isLast || $0.needsFreshConnection }
            waiting.removeAll { isLast || $0.needsFreshConnection }
        }
        if failed.isEmpty, !waiting.isEmpty { failed.append(waiting.removeFirst()) }
        for _ in failed { cluster.limits.release(.pendingRequests) }
        closed()
        if blamesEndpoint {
            cluster.report(.connectFailed, for: endpoint, now: worker.loop.now)
        }
        cluster.metrics.connectFailures.add()
        for exchange in failed { exchange.connectFailed() }
    }

    /// The endpoint does not speak HTTP/2; who waited for it waits for HTTP/1.1 from now on.
    func settledOnHTTP1() {
        let cluster = cluster
        connectingCount -= 1
        cluster.report(.connected, for: endpoint, now: worker.loop.now)
        cluster.metrics.connections.add()
        cluster.settledOnHTTP1(endpoint)
        var moved: [Exchange] = []
        swap(&moved, &waiting)
        for _ in moved { cluster.limits.release(.pendingRequests) }
        closed()
        for exchange in moved { exchange.dispatchOverOther() }
    }

    /// An exchange has left a stream.
    func hasRoom(_ connection: HTTP2UpstreamConnection) {
        serve(on: connection, isFresh: false)
        settle(connection)
    }

    /// The peer has said how many streams it takes at once.
    func learned(_ streamCount: Int, of connection: HTTP2UpstreamConnection) {
        knownStreamCount = max(1, streamCount)
        serve(on: connection, isFresh: false)
        connectIfNeeded()
    }

    /// A connection takes no new streams any more.
    func withdrew(_ connection: HTTP2UpstreamConnection) {
        open.removeAll { $0 === connection }
        connectIfNeeded()
    }

    /// A connection has ended.
    func closed() {
        let cluster = cluster
        connectionCount -= 1
        cluster.limits.release(.connections)
        cluster.metrics.activeConnections.subtract()
        cluster.connectionClosed(endpoint)
        connectIfNeeded()
        if connectionCount == 0 { clusterInUse = nil }
    }

    /// Gives streams to those that wait.
    private func serve(on connection: HTTP2UpstreamConnection, isFresh: Bool) {
        while let position = waiting.firstIndex(where: {
            (isFresh || !$0.needsFreshConnection) && connection.suits($0)
        }),
            let stream = connection.reserveStream()
        {
            let exchange = waiting.remove(at: position)
            cluster.limits.release(.pendingRequests)
            exchange.attach(stream)
        }
    }

    private func settle(_ connection: HTTP2UpstreamConnection) {
        guard connection.isIdle else { return }
        if isRetired || worker.isDraining {
            connection.withdraw()
        } else {
            connection.becomeIdle()
        }
    }

    /// Whether the connections that are being opened, or whose peers have not said yet how many
    /// streams they take, will do for so many exchanges.
    private func expectsRoom(for count: Int) -> Bool {
        var begun = connectingCount
        if knownStreamCount == nil {
            for connection in open where !connection.isGreeted { begun += 1 }
        }
        let (expected, isBeyond) = begun.multipliedReportingOverflow(
            by: knownStreamCount ?? Self.likelyStreamCount)
        return isBeyond || count <= expected
    }

    /// Opens a connection for those that wait, unless the ones being opened will do.
    private func connectIfNeeded() {
        if !expectsRoom(for: waiting.count) { _ = connect() }
    }

    /// Opens a connection if the limit allows one; the first of a pool is always allowed, since
    /// whoever waits would wait in vain otherwise (as in Envoy).
    ///
    /// - Returns: Whether it does.
    private func connect() -> Bool {
        if !cluster.limits.acquire(.connections) {
            if connectionCount > 0 { return false }
            cluster.limits.acquireBeyondLimit(.connections)
        }
        clusterInUse = cluster
        connectionCount += 1
        connectingCount += 1
        cluster.metrics.activeConnections.add()
        cluster.connectionOpened(endpoint)
        HTTP2UpstreamConnection.open(to: self)
        return true
    }
}
