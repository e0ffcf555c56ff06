import Kernel

extension Session {
    /// Shows all services, or one.
    public func getServices(named name: String?) throws(ConsoleError) {
        let document = try services(named: name)
        show(document) {
            var table = TextTable(columns: [
                .init("NAME"), .init("PROTOCOL"), .init("SPLIT"), .init("ROUTES"),
                .init("VERSIONS", isWideOnly: true), .init("REVISION"),
            ])
            for service in elements(document, "services", isOne: name != nil) {
                table.append(Self.cells(ServiceView(service)))
            }
            return table.isEmpty
                ? "no services yet; add one with 'pointsman apply -f FILE'\n" : render(table)
        }
    }

    /// Shows the routes of all services, or of one.
    public func getRoutes(ofService name: String?) throws(ConsoleError) {
        let document = try services(named: name)
        let views = elements(document, "services", isOne: name != nil)
        let routes = JSONValue.array(
            views.flatMap { service in
                (service["routes"]?.elements ?? []).map { route in
                    route.adding("service", service["name"] ?? .null)
                }
            })
        show(routes) {
            var table = TextTable(columns: [
                .init("SERVICE"), .init("ROUTE"), .init("MATCH"), .init("SPLIT"),
                .init("STICKY"), .init("TIMEOUT", isWideOnly: true),
            ])
            for service in views.map(ServiceView.init) {
                for route in service.routes {
                    table.append([
                        .init(service.name), .init(route.name), .init(route.match),
                        .init(ServiceView.text(route.shares)), .init(route.sticky ?? "-"),
                        .init(route.timeout ?? "-"),
                    ])
                }
            }
            return render(table)
        }
    }

    /// Shows all revisions, latest first, or one with its diff and how far it has come.
    public func getRevisions(number: Int64?) throws(ConsoleError) {
        if let number {
            let document = try control.get("/v1/revisions/\(number)").document
            show(document) {
                RevisionView(document).text(palette: screen.palette, now: .secondsSinceEpoch())
            }
            return
        }
        let document = try control.get("/v1/revisions").document
        show(document) {
            var table = TextTable(columns: [
                .init("REVISION", isRightAligned: true), .init("AGE"), .init("WHO"),
                .init("LIVE"), .init("WHAT"), .init("WHY"),
            ])
            for revision in document.list("revisions") {
                table.append(RevisionView(revision).cells(now: .secondsSinceEpoch()))
            }
            return table.isEmpty ? "no revisions yet\n" : render(table)
        }
    }

    /// Shows the connected sidecars, or one.
    public func getProxies(named name: String?) throws(ConsoleError) {
        var document = try control.get("/v1/proxies").document
        if let name {
            let chosen = document.list("proxies").filter { $0["id"]?.text == name }
            if chosen.isEmpty { throw .unknownProxy(name) }
            document = .array(chosen)
        }
        show(document) {
            var table = TextTable(columns: [
                .init("NAME"), .init("SERVICE"), .init("STATE"),
                .init("REVISION", isRightAligned: true), .init("CONNECTED"),
                .init("ADDRESS", isWideOnly: true), .init("PROGRAM", isWideOnly: true),
                .init("REASON"),
            ])
            for proxy in document.list("proxies") {
                table.append(ProxyView(proxy).cells(now: .secondsSinceEpoch()))
            }
            return table.isEmpty ? "no sidecar is connected\n" : render(table)
        }
    }

    private func services(named name: String?) throws(ConsoleError) -> JSONValue {
        guard let name else { return try control.get("/v1/services").document }
        return try control.get("/v1/services/\(ControlPlane.percentEncoded(name))").document
    }

    private func elements(_ document: JSONValue, _ list: String, isOne: Bool) -> [JSONValue] {
        isOne ? [document] : document.list(list)
    }

    private static func cells(_ service: ServiceView) -> [TextTable.Cell] {
        let routes = service.routes
        let main = routes.first { $0.match == "*" } ?? routes.last
        let versions = service.endpointCounts.map { "\($0.version)(\($0.count))" }
        return [
            .init(service.name), .init(service.application),
            .init(main.map { ServiceView.text($0.shares) } ?? "-"), .init("\(routes.count)"),
            .init(versions.joined(separator: ", ")),
            .init(service.revision.map { "\($0)" } ?? "-"),
        ]
    }
}

extension JSONValue {
    func adding(_ name: String, _ value: JSONValue) -> JSONValue {
        guard case .object(var members) = self else { return self }
        members[name] = value
        return .object(members)
    }
}

extension Int64 {
    /// The date, for ages in tables.
    static func secondsSinceEpoch() -> Int64 {
        Int64(clamping: WallClock.nanosecondsSinceEpoch() / 1_000_000_000)
    }
}
