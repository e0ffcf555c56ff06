import EventLoop
import Kernel
import Telemetry

/// What is logged of a tunnel once it has ended.
extension Tunnel {
    /// Adds a line to the access log.
    func log(to log: ListenerLog) {
        log.lines.begin(at: worker.time(of: openedAt))
        log.lines.add(.requestProtocol, "TCP")
        log.lines.add(flags)
        log.lines.add(.bytesReceived, bytesReceived)
        log.lines.add(.bytesSent, bytesSent)
        log.lines.add(.total, nanoseconds: worker.loop.now.nanoseconds(since: openedAt))
        if let cluster {
            log.lines.add(.cluster, cluster.name)
            log.lines.add(.attempts, UInt64(attempts))
            if let endpoint, let address = cluster.addressText(of: endpoint) {
                log.lines.add(.upstreamHost, address)
            }
        }
        log.lines.add(.downstreamRemote, peer.description)
        log.lines.end()
    }
}
