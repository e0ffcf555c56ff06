import Balancing
import Bytes
import EventLoop
import HTTP
import Kernel
import Routing
import Telemetry

/// What is counted and logged of an exchange once it has ended.
extension Exchange {
    /// Counts the exchange and gives back what it held of its cluster.
    func record(on listener: ListenerRuntime) {
        if durationTimer != nil { endDuration() }
        let nanoseconds = worker.loop.now.nanoseconds(since: startedAt)
        if case .head = requestState {
            if flags.contains(.downstreamProtocolError) { worker.metrics.protocolErrors.add() }
        } else {
            worker.metrics.requestEnded(flags)
        }
        if status != 0 { listener.record(status: status, nanoseconds: nanoseconds) }
        guard let cluster else {
            if status != 0 { worker.metrics.unroutedResponses.add(status) }
            return
        }
        if holdsRequestSlot { cluster.requestEnded() }
        if holdsRetrySlot { cluster.retryEnded() }
        if isGRPC { recordCall(of: cluster) }
        cluster.record(
            status: status, nanoseconds: nanoseconds, bytesSent: bytesSent,
            bytesReceived: bytesReceived)
    }

    /// Adds a line to the access log.
    func log(from downstream: any Downstream, to log: ListenerLog) {
        if case .head = requestState, status == 0 { return }
        log.lines.begin(at: worker.time(of: startedAt))
        if case .head = requestState {
            // What is not a request has no parts that could be shown.
        } else {
            logRequest(to: log)
        }
        log.lines.add(.status, UInt64(status))
        log.lines.add(flags)
        log.lines.add(.bytesReceived, bytesReceived)
        log.lines.add(.bytesSent, bytesSent)
        log.lines.add(.total, nanoseconds: worker.loop.now.nanoseconds(since: startedAt))
        if let upstreamServiceNanoseconds {
            log.lines.add(.upstreamService, nanoseconds: upstreamServiceNanoseconds)
        }
        logObjection(to: log)
        logUpstream(to: log)
        log.add(.downstreamRemote, downstream.peerName)
        log.lines.end()
    }

    private func logRequest(to log: ListenerLog) {
        log.lines.add(.method, request.methodBytes)
        log.lines.add(.authority, request.authority)
        log.lines.add(.path, request.path)
        log.lines.add(.requestProtocol, request.version.logText)
        if let index = request.fields.firstIndex(of: .xRequestID) {
            log.add(.requestID, valueAt: index, of: request.fields)
        }
        if let index = request.fields.firstIndex(named: "user-agent") {
            log.add(.userAgent, valueAt: index, of: request.fields)
        }
    }

    private func logUpstream(to log: ListenerLog) {
        guard let forwarding, let table, let cluster else { return }
        log.addName(of: forwarding.route, in: table)
        log.lines.add(.cluster, cluster.name)
        log.lines.add(.attempts, UInt64(attempts))
        if let endpoint, let address = cluster.addressText(of: endpoint) {
            log.lines.add(.upstreamHost, address)
        }
    }
}

extension Version {
    fileprivate var logText: String {
        switch self {
        case .http10: "HTTP/1.0"
        case .http11: "HTTP/1.1"
        case .http2: "HTTP/2"
        }
    }
}

extension Fields {
    fileprivate func firstIndex(named name: StaticString) -> Int? {
        for index in indices where self.name(at: index).equalsIgnoringCase(name) { return index }
        return nil
    }
}
