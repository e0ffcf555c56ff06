import Balancing
import EventLoop
import Kernel
import Mesh
import Telemetry
import Transport

/// The upstream of a tunnel: endpoints are tried one after the other until one takes it.
extension Tunnel {
    /// Tries the next endpoint; the tunnel is closed when there is none or too many were tried.
    func connect(to cluster: UpstreamCluster) {
        while attempts < rules.connectAttempts {
            let now = worker.loop.now
            guard let chosen = cluster.choose(hash: nil, avoiding: endpoint, now: now),
                let address = cluster.socketAddress(of: chosen)
            else {
                end(.noHealthyUpstream, resetting: true)
                return
            }
            guard cluster.limits.acquire(.connections) else {
                end(.upstreamOverflow, resetting: true)
                return
            }
            attempts += 1
            endpoint = chosen
            cluster.tunnelOpened(to: chosen)
            if begin(at: address, of: cluster) { return }
        }
        end(.upstreamConnectFailure, resetting: true)
    }

    /// - Returns: Whether the attempt is under way; if not, it has failed already.
    private func begin(at address: SocketAddress, of cluster: UpstreamCluster) -> Bool {
        do throws(Errno) {
            let socket = try Socket.connecting(to: address)
            try? socket.noticeVanishedPeer()
            let upstream: any TunnelEnd =
                if cluster.cluster.security == nil {
                    SplicedEnd(socket, of: self, on: worker.loop)
                } else {
                    StreamEnd(StreamSocket(socket, on: worker.loop), of: self, on: worker)
                }
            try upstream.watch()
            state = .connecting(upstream)
            timer = worker.loop.schedule(after: cluster.cluster.connectTimeout, for: self)
            return true
        } catch {
            countFailure(blamesEndpoint: !error.isExhaustion)
            return false
        }
    }

    /// The endpoint has answered, or not.
    func goOnConnecting(_ upstream: any TunnelEnd, _ readiness: Readiness) {
        guard upstream.takeError() == nil, let cluster, let endpoint,
            let address = cluster.socketAddress(of: endpoint)
        else {
            connectFailed(upstream, blamesEndpoint: true)
            return
        }
        switch upstream.secure(by: cluster, to: address, readiness) {
        case .waiting: return
        case .failed: connectFailed(upstream, blamesEndpoint: true)
        case .ready: finishConnecting(upstream, to: endpoint, of: cluster, readiness)
        }
    }

    private func finishConnecting(
        _ upstream: any TunnelEnd, to endpoint: EndpointHandle, of cluster: UpstreamCluster,
        _ readiness: Readiness
    ) {
        if let timer { worker.loop.cancel(timer) }
        timer = nil
        cluster.report(.connected, for: endpoint, now: worker.loop.now)
        cluster.metrics.connections.add()
        connected(to: upstream, readiness: readiness.union(.writable))
    }

    /// An attempt failed or took too long: another endpoint may do.
    func connectFailed(_ upstream: any TunnelEnd, blamesEndpoint: Bool) {
        if let timer { worker.loop.cancel(timer) }
        timer = nil
        upstream.close(resetting: true)
        state = .choosing
        countFailure(blamesEndpoint: blamesEndpoint)
        if let cluster { connect(to: cluster) }
    }

    private func countFailure(blamesEndpoint: Bool) {
        guard let cluster, let endpoint else { return }
        cluster.metrics.connectFailures.add()
        if blamesEndpoint {
            cluster.report(.connectFailed, for: endpoint, now: worker.loop.now)
        }
        leaveEndpoint()
    }

    /// The connection to the endpoint is over, or was never made.
    func leaveEndpoint() {
        guard let cluster, let endpoint else { return }
        cluster.limits.release(.connections)
        cluster.tunnelClosed(to: endpoint)
    }
}
