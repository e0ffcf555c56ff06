import Bytes
import Telemetry

extension API {
    func proxies(_ request: APIRequest) throws(Problem) -> APIReply {
        let query = try Query(request.query, known: ["limit", "offset"])
        let limit = Int(try query.number("limit", in: 1...10_000, standard: 1000))
        let offset = Int(try query.number("offset", in: 0...1_000_000, standard: 0))
        let all = fleet.all
        let latest = ledger.world.revision
        let items = all.dropFirst(offset).prefix(limit).map { ProxyDocument($0, at: latest) }
        let end = offset + items.count
        return try APIReply(
            ProxyListDocument(
                revision: latest, total: all.count, items: items,
                next: end < all.count ? end : nil))
    }

    func version(_ request: APIRequest) throws(Problem) -> APIReply {
        _ = try Query(request.query, known: [])
        return try APIReply(
            ProgramDocument(
                name: "pointsman-control", version: programVersion,
                revision: ledger.world.revision))
    }

    func health(_ request: APIRequest) throws(Problem) -> APIReply {
        APIReply(
            fields: [.init(name: "content-type", value: "text/plain; charset=utf-8")],
            body: Array("ok\n".utf8))
    }

    func metrics(_ request: APIRequest) throws(Problem) -> APIReply {
        var text = MetricsText()
        let latest = ledger.world.revision
        text.begin(
            "pointsman_control_revision", .gauge, help: "The number of the current revision.")
        text.sample(latest)
        text.begin("pointsman_control_services", .gauge, help: "Services at that revision.")
        text.sample(UInt64(ledger.world.services.count))
        text.begin(
            "pointsman_control_proxies", .gauge,
            help: "Connected xDS clients by what they have in effect.")
        let standings = fleet.all.map { $0.standing(at: latest) }
        for standing in [Fleet.Standing.current, .lagging, .refused] {
            text.sample(
                UInt64(standings.count { $0 == standing }),
                labels: [MetricLabel("state", standing.rawValue)])
        }
        text.begin(
            "pointsman_control_event_followers", .gauge, help: "Clients of the event stream.")
        text.sample(UInt64(events.followerCount))
        text.begin(
            "pointsman_control_api_replies_total", .counter, help: "Answers of the API by status.")
        for (status, count) in replyCounts.sorted(by: { $0.key < $1.key }) {
            text.sample(count, labels: [MetricLabel("status", "\(status)")])
        }
        authority?.append(to: &text)
        let body = text.bytes
        return APIReply(
            fields: [.init(name: "content-type", value: "\(MetricsText.contentType)")],
            body: body.indices.map { body[$0] })
    }
}
