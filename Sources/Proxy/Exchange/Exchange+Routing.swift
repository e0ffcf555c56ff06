import Balancing
import Bytes
import HTTP
import Kernel
import Mesh
import Routing
import Telemetry

/// Where a forwarded exchange goes, and by which rules; decided once, when its head is complete.
///
/// Plain values, so that looking at it counts no references.
struct Forwarding {
    let route: RouteNumber
    let destination: Destination
    let rules: CompiledForward
    var key: StickyKey
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
    func route(for downstream: any Downstream) {
        if request.asksForUpgrade, !askForUpgrade(on: downstream.listener) { return }
        if request.method == .post { isGRPC = request.isGRPC }
        let listener = downstream.listener
        if listener.normalizesPaths, !normalizePath(by: listener.pathNormalization) { return }
        var surroundings = RouteTable.Surroundings()
        if listener.considersClients {
            guard introduce(downstream, to: listener) else { return }
            surroundings.isSecure = downstream.certificate.isSecure
        }
        let binding = listener.routes
        let table = binding.table
        // Nothing here makes a tunnel.
        guard request.method != .connect, let route = table.match(request, surroundings) else {
            answer(404, .noRoute)
            return
        }
        switch table.action(of: route) {
        case .forward(let rules):
            let key =
                rules.hasHashPolicies
                ? table.stickyKey(
                    of: route, head: request, source: downstream.peerText.span,
                    freshID: worker.random.next())
                : StickyKey.none
            forward(by: rules, route, key, binding)
        case .redirect(let status): redirect(status, route, table, surroundings)
        case .directResponse(let status): answerDirectly(status, route, table)
        }
    }

    private func forward(
        by rules: CompiledForward, _ route: RouteNumber, _ key: StickyKey, _ binding: RouteBinding
    ) {
        let table = binding.table
        guard let destination = table.destination(of: route, key: key),
            let cluster = binding.cluster(of: destination)
        else {
            answer(503, .noCluster)
            return
        }
        forwarding = Forwarding(
            route: route, destination: destination, rules: rules, key: key)
        self.table = table
        self.cluster = cluster
        guard cluster.admitRequest() else {
            answer(503, .upstreamOverflow)
            return
        }
        holdsRequestSlot = true
        if rules.hasStreamLimits, let limits = table.streamLimits(of: route) {
            limitDuration(limits)
        }
        table.mutateRequest(&request.fields, of: route, destination: destination)
        rewriteTarget(of: route, destination, table)
        dispatch(to: cluster, fresh: false)
    }

    /// Finds out by which path and authority the upstream is asked.
    private func rewriteTarget(
        of route: RouteNumber, _ destination: Destination, _ table: RouteTable
    ) {
        forwardedPath = request.pathRange
        forwardedAuthority = request.authorityRange
        if table.appendRewrittenPath(of: route, head: request, to: &worker.upstreamOutput) {
            forwardedPath = request.fields.store(worker.upstreamOutput)
            worker.upstreamOutput.removeAll()
        }
        if table.appendRewrittenAuthority(
            of: route, destination: destination, head: request, to: &worker.upstreamOutput)
        {
            forwardedAuthority = request.fields.store(worker.upstreamOutput)
            worker.upstreamOutput.removeAll()
        }
    }

    private func redirect(
        _ status: UInt16, _ route: RouteNumber, _ table: RouteTable,
        _ surroundings: RouteTable.Surroundings
    ) {
        beginAnswer(status)
        var location = Buffer()
        table.appendLocation(of: route, head: request, surroundings, to: &location)
        response.fields.append("location", value: location)
        endRoutedAnswer(body: Buffer(), route, table)
    }

    private func answerDirectly(_ status: UInt16, _ route: RouteNumber, _ table: RouteTable) {
        beginAnswer(status)
        var body = Buffer()
        table.appendBody(of: route, to: &body)
        if !body.isEmpty {
            response.fields.append("content-type", "text/plain")
        }
        endRoutedAnswer(body: body, route, table)
    }

    private func endRoutedAnswer(
        body: borrowing Buffer, _ route: RouteNumber, _ table: RouteTable
    ) {
        table.mutateResponse(&response.fields, of: route, destination: nil)
        endAnswer(body: body)
    }

    /// Changes the response as the route says.
    func applyResponseMutations() {
        guard let table, let forwarding else { return }
        table.mutateResponse(
            &response.fields, of: forwarding.route, destination: forwarding.destination)
        if forwarding.key.needsCookie { addCookies(forwarding.key, of: forwarding.route, table) }
    }

    /// Sets the cookies that were generated before the pick, so that the user stays.
    private func addCookies(_ key: StickyKey, of route: RouteNumber, _ table: RouteTable) {
        var key = key
        while key.needsCookie {
            table.appendCookie(of: route, key: &key, to: &worker.downstreamOutput)
            response.fields.append("set-cookie", value: worker.downstreamOutput)
            worker.downstreamOutput.removeAll()
        }
    }

    /// How long the upstream may take, in nanoseconds from the end of the request.
    var routeTimeout: UInt64 {
        ignoresRouteTimeout
            ? ListenerTimeouts.none : forwarding?.rules.timeout ?? ListenerTimeouts.none
    }

    /// How long nothing may move, in nanoseconds.
    func idleTimeout(inherited: UInt64) -> UInt64 {
        forwarding?.rules.idleTimeout ?? inherited
    }
}
