import Balancing
import Bytes
import HTTP
import HTTP1
import Kernel
import Mesh
import Routing
import Telemetry

/// Where a forwarded exchange goes, and by which rules; decided once, when its head is complete.
struct Forwarding {
    /// Of the configuration that was in effect then; it stays until the exchange has ended.
    let table: RouteTable
    let route: RouteNumber
    let destination: Destination
    let rules: CompiledForward
    let cluster: UpstreamCluster
    var key: StickyKey
    /// From the end of the request to the end of the response, in nanoseconds.
    let timeout: UInt64

    var hash: UInt64? { key.hash }
}

/// The routes of a listener and the clusters that they name, as one worker has them.
final class RouteBinding {
    let table: RouteTable
    /// By ``Destination/cluster``; `nil` for a cluster that the configuration does not have.
    private let clusters: [UpstreamCluster?]

    init(_ table: RouteTable, clusterNames: [String], clusters: [String: UpstreamCluster]) {
        self.table = table
        self.clusters = clusterNames.map { clusters[$0] }
    }

    func cluster(of destination: Destination) -> UpstreamCluster? {
        clusters[destination.cluster]
    }
}

/// From the head to the upstream: route, pick, balance.
extension Exchange {
    /// Matches the request, and forwards it or answers it as its route says.
    func route() {
        guard let downstream else { return }
        let binding = downstream.listener.routes
        // Nothing here makes a tunnel.
        guard request.method != .connect, let route = binding.table.match(request) else {
            answer(404, .noRoute)
            return
        }
        switch binding.table.action(of: route) {
        case .forward(let rules): forward(by: rules, route, binding)
        case .redirect(let status): redirect(status, route, binding.table)
        case .directResponse(let status): answerDirectly(status, route, binding.table)
        }
    }

    private func forward(by rules: CompiledForward, _ route: RouteNumber, _ binding: RouteBinding) {
        guard let downstream else { return }
        let table = binding.table
        let key =
            rules.hasHashPolicies
            ? table.stickyKey(
                of: route, head: request, source: downstream.peerText.span,
                freshID: worker.random.next())
            : StickyKey.none
        guard let destination = table.destination(of: route, key: key),
            let cluster = binding.cluster(of: destination)
        else {
            answer(503, .noCluster)
            return
        }
        let forwarding = Forwarding(
            table: table, route: route, destination: destination, rules: rules, cluster: cluster,
            key: key, timeout: ListenerTimeouts.nanoseconds(rules.timeout))
        self.forwarding = forwarding
        guard cluster.speaksHTTP1 else {
            answer(502, .upstreamProtocolError)
            return
        }
        guard cluster.limits.acquire(.requests) else {
            answer(503, .upstreamOverflow)
            return
        }
        holdsRequestSlot = true
        cluster.metrics.picks.add()
        writeUpstreamHead(forwarding)
        dispatch(fresh: false)
    }

    /// Writes the request anew, from what was understood, into ``outgoing``.
    private func writeUpstreamHead(_ forwarding: Forwarding) {
        let table = forwarding.table
        table.mutateRequest(
            &request.fields, of: forwarding.route, destination: forwarding.destination)
        outgoing.append(request.methodBytes)
        outgoing.append(" ")
        let isRewritten = table.appendRewrittenPath(
            of: forwarding.route, head: request, to: &outgoing)
        if !isRewritten { outgoing.append(request.path) }
        outgoing.append(" HTTP/1.1\r\n")
        outgoing.append("host: ")
        let isOtherHost = table.appendRewrittenAuthority(
            of: forwarding.route, destination: forwarding.destination, head: request,
            to: &outgoing)
        if !isOtherHost { outgoing.append(request.authority) }
        outgoing.append("\r\n")
        Writer.endToEndFields(request.fields, to: &outgoing)
        switch request.framing {
        case .length(let length): Writer.contentLength(length, to: &outgoing)
        case .chunked: Writer.chunkedEncoding(to: &outgoing)
        case .none, .untilClose: break
        }
        Writer.endOfHead(to: &outgoing)
    }

    private func redirect(_ status: UInt16, _ route: RouteNumber, _ table: RouteTable) {
        beginAnswer(status)
        var location = Buffer()
        table.appendLocation(of: route, head: request, to: &location)
        response.fields.append("location", value: location.bytes)
        endRoutedAnswer(body: Buffer(), route, table)
    }

    private func answerDirectly(_ status: UInt16, _ route: RouteNumber, _ table: RouteTable) {
        beginAnswer(status)
        var body = Buffer()
        table.appendBody(of: route, to: &body)
        if !body.isEmpty {
            var type = Buffer()
            type.append("text/plain")
            response.fields.append("content-type", value: type.bytes)
        }
        endRoutedAnswer(body: body, route, table)
    }

    private func endRoutedAnswer(
        body: borrowing Buffer, _ route: RouteNumber, _ table: RouteTable
    ) {
        let hasBody = LocalReply.mayHaveBody(status)
        table.mutateResponse(&response.fields, of: route, destination: nil)
        Writer.endToEndFields(response.fields, to: &worker.staging)
        if hasBody { Writer.contentLength(UInt64(body.count), to: &worker.staging) }
        endAnswer(body: body)
    }

    /// Changes the response as the route says.
    func applyResponseMutations() {
        guard let forwarding else { return }
        forwarding.table.mutateResponse(
            &response.fields, of: forwarding.route, destination: forwarding.destination)
    }

    /// Sets the cookies that were generated before the pick, so that the user stays.
    func writeGeneratedCookies() {
        guard var key = forwarding?.key, let table = forwarding?.table,
            let route = forwarding?.route
        else { return }
        while key.needsCookie {
            worker.staging.append("set-cookie: ")
            table.appendCookie(of: route, key: &key, to: &worker.staging)
            worker.staging.append("\r\n")
        }
    }

    /// How long the upstream may take, in nanoseconds from the end of the request.
    var routeTimeout: UInt64 {
        forwarding?.timeout ?? ListenerTimeouts.none
    }

    /// How long nothing may move, in nanoseconds.
    func idleTimeout(inherited: UInt64) -> UInt64 {
        switch forwarding?.rules.idleTimeout {
        case .after(let duration): duration.wholeNanoseconds
        case .disabled: ListenerTimeouts.none
        case .inherited, nil: inherited
        }
    }
}
