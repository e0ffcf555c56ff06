import Balancing
import EventLoop
import HTTP
import Kernel
import Mesh
import Telemetry

/// The HTTP/1.1 connections of one worker to one endpoint, and the exchanges that wait for one.
///
/// The connection used last is used next, so that the others fall idle and are closed. How many
/// there are, and how many exchanges wait, is bounded for the whole cluster (``ClusterLimits``).
final class HTTP1ConnectionPool: ConnectionPool {
    let address: SocketAddress
    let addressText: String
    let endpoint: EndpointHandle
    unowned let cluster: UpstreamCluster
    /// The same, as long as there is a connection: its end has to be told even when no
    /// configuration and no exchange knows the cluster any more.
    private var clusterInUse: UpstreamCluster?
    unowned let worker: Worker
    private var idle: [HTTP1UpstreamConnection] = []
    private var waiting: [Exchange] = []
    /// Connections in any state.
    private var connectionCount = 0
    private var connectingCount = 0
    private var isRetired = false
    private var patience = PeerPatience()

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

    /// Finds a connection for `exchange`, or lets it wait for one.
    ///
    /// - Parameters:
    ///   - exchange: Who asks; it is kept while it waits.
    ///   - isFresh: Whether a connection that was used before will not do.
    /// - Returns: What became of it.
    func connection(for exchange: Exchange, fresh isFresh: Bool) -> PoolAnswer {
        let needsFresh = isFresh || !mayReuse(idle.last, for: exchange)
        // One that it may not use makes room for the one that it opens.
        if needsFresh, !idle.isEmpty { idle.removeFirst().close() }
        if !needsFresh, let connection = idle.popLast() { return .upstream(connection) }
        guard cluster.limits.acquire(.pendingRequests) else { return .overflow }
        exchange.needsFreshConnection = needsFresh
        waiting.append(exchange)
        if connectingCount < waiting.count { connect() }
        return .waiting
    }

    /// Whether a connection that was used before will do, which may be one that comes free later.
    ///
    /// A request that must not be sent twice keeps away from connections that the peer might be
    /// closing at this moment.
    private func mayReuse(_ connection: HTTP1UpstreamConnection?, for exchange: Exchange) -> Bool {
        if exchange.request.method.isIdempotent { return true }
        return patience.outlasts(connection?.idleNanoseconds ?? 0, now: worker.loop.now)
    }

    /// Learns that the peer has closed a connection after that time without a request.
    func peerClosedIdle(after nanoseconds: UInt64) {
        patience.closed(after: nanoseconds, now: worker.loop.now)
    }

    /// Takes an exchange that no longer wants to wait out of the queue.
    func forget(_ exchange: Exchange) {
        guard let position = waiting.firstIndex(where: { $0 === exchange }) else { return }
        waiting.remove(at: position)
        cluster.limits.release(.pendingRequests)
    }

    /// Closes idle connections; the others are closed when their exchange has ended.
    func retire() {
        isRetired = true
        while let connection = idle.popLast() { connection.close() }
    }

    /// A connection attempt succeeded.
    func connected(_ connection: HTTP1UpstreamConnection) {
        connectingCount -= 1
        cluster.report(.connected, for: endpoint, now: worker.loop.now)
        cluster.metrics.connections.add()
        settle(connection)
    }

    /// A connection attempt failed; the exchange that waits longest hears of it.
    ///
    /// - Parameter blamesEndpoint: Not when descriptors or memory of this side have run out.
    func connectFailed(blamesEndpoint: Bool = true) {
        let cluster = cluster
        connectingCount -= 1
        let exchange = takeWaiting(at: 0)
        closed()
        if blamesEndpoint {
            cluster.report(.connectFailed, for: endpoint, now: worker.loop.now)
        }
        cluster.metrics.connectFailures.add()
        exchange?.connectFailed()
    }

    /// A connection has carried a whole exchange and can carry another one.
    func released(_ connection: HTTP1UpstreamConnection) {
        settle(connection)
    }

    /// A connection that was idle is closed.
    func removeIdle(_ connection: HTTP1UpstreamConnection) {
        if let position = idle.lastIndex(where: { $0 === connection }) {
            idle.remove(at: position)
        }
    }

    /// A connection has ended, whatever it was doing.
    func closed() {
        let cluster = cluster
        connectionCount -= 1
        cluster.limits.release(.connections)
        cluster.metrics.activeConnections.subtract()
        cluster.connectionClosed(endpoint)
        // One of those that wait may now open the connection that the limit refused it.
        if connectingCount < waiting.count { connect() }
        if connectionCount == 0 { clusterInUse = nil }
    }

    private func settle(_ connection: HTTP1UpstreamConnection) {
        let next = waiting.firstIndex { connection.isFresh || !$0.needsFreshConnection }
        if let next, let exchange = takeWaiting(at: next) {
            exchange.attach(connection)
        } else if isRetired || worker.isDraining || connectingCount < waiting.count {
            // Whoever still waits needs a fresh one, which the limit may not have allowed so far.
            connection.close()
        } else {
            connection.becomeIdle()
            idle.append(connection)
        }
    }

    private func takeWaiting(at position: Int) -> Exchange? {
        if position >= waiting.count { return nil }
        cluster.limits.release(.pendingRequests)
        return waiting.remove(at: position)
    }

    /// Opens a connection if the limit allows one; the first of a pool is always allowed, since
    /// whoever waits would wait in vain otherwise (as in Envoy).
    private func connect() {
        if !cluster.limits.acquire(.connections) {
            if let connection = idle.first {
                // Whoever waits beside an idle connection needs a fresh one: it takes this place.
                idle.removeFirst()
                connection.close()
                return
            }
            if connectionCount > 0 { return }
            cluster.limits.acquireBeyondLimit(.connections)
        }
        clusterInUse = cluster
        connectionCount += 1
        connectingCount += 1
        cluster.metrics.activeConnections.add()
        cluster.connectionOpened(endpoint)
        HTTP1UpstreamConnection.open(to: self)
    }
}
