extension Session {
    /// Shows all services, or one.
    ///
    /// - Throws: ``ConsoleError``, a 404 for a service that is not there included.
    public func getServices(named name: String?) throws(ConsoleError) {
        let services = try services(named: name)
        show(Self.document(services, isOne: name != nil)) {
            var table = TextTable(columns: [
                .init("NAME"), .init("PROTOCOL"), .init("SPLIT"), .init("ROUTES"),
                .init("VERSIONS", isWideOnly: true), .init("TLS", isWideOnly: true),
                .init("ACCESS", isWideOnly: true),
                .init("REVISION", isRightAligned: true),
            ])
            for service in services { table.append(Self.cells(ServiceView(service))) }
            return table.isEmpty
                ? "no services yet; add one with 'pointsman apply -f FILE'\n" : render(table)
        }
    }

    /// Shows the routes of all services, or of one.
    ///
    /// - Throws: ``ConsoleError``, a 404 for a service that is not there included.
    public func getRoutes(ofService name: String?) throws(ConsoleError) {
        let services = try services(named: name)
        let routes = services.flatMap { service in
            (service["routes"]?.elements ?? []).map {
                $0.adding("service", service["name"] ?? .null)
            }
        }
        show(.array(routes)) {
            var table = TextTable(columns: [
                .init("SERVICE"), .init("ROUTE"), .init("MATCH"), .init("SPLIT"),
                .init("STICKY"), .init("TIMEOUT", isWideOnly: true),
            ])
            for service in services.map(ServiceView.init) {
                for route in service.routes {
                    table.append([
                        .init(service.name), .init(route.name), .init(route.match),
                        .init(ServiceView.text(route.shares)), .init(route.sticky ?? "-"),
                        .init(route.timeout ?? "-"),
                    ])
                }
            }
            return table.isEmpty ? "no routes yet\n" : render(table)
        }
    }

    /// Shows the latest revisions, latest first, or one with its diff and how far it has come.
    ///
    /// - Parameters:
    ///   - number: Which one; `nil` for the latest.
    ///   - limit: How many of the latest.
    /// - Throws: ``ConsoleError``, a 404 for a revision that is not there included.
    public func getRevisions(number: Int64?, limit: Int) throws(ConsoleError) {
        let now = Int64.secondsSinceEpoch()
        if let number {
            let document = try control.get("/v1/revisions/\(number)").document
            show(document) { RevisionView(document).text(palette: screen.palette, now: now) }
            return
        }
        let revisions = try control.list("/v1/revisions", cursor: "before", limit: limit)
        let proxies = try control.list("/v1/proxies", cursor: "offset").map(ProxyView.init)
        show(.array(revisions)) {
            var table = TextTable(columns: [
                .init("REVISION", isRightAligned: true), .init("AGE"), .init("WHO"),
                .init("LIVE"), .init("WHAT"), .init("WHY"),
            ])
            for revision in revisions {
                table.append(RevisionView(revision).cells(proxies: proxies, now: now))
            }
            return table.isEmpty ? "no revisions yet\n" : render(table)
        }
    }

    /// Shows the connected sidecars, or one.
    ///
    /// - Throws: ``ConsoleError/unknownProxy(_:)`` when none is called `name`.
    public func getProxies(named name: String?) throws(ConsoleError) {
        var proxies = try control.list("/v1/proxies", cursor: "offset")
        if let name {
            proxies = proxies.filter { $0["id"]?.text == name }
            if proxies.isEmpty { throw .unknownProxy(name) }
        }
        show(.array(proxies)) {
            var table = TextTable(columns: [
                .init("NAME"), .init("SERVICE"), .init("STATE"),
                .init("REVISION", isRightAligned: true), .init("CONNECTED"),
                .init("IDENTITY", isWideOnly: true),
                .init("ADDRESS", isWideOnly: true), .init("PROGRAM", isWideOnly: true),
                .init("REASON"),
            ])
            for proxy in proxies {
                table.append(ProxyView(proxy).cells(now: .secondsSinceEpoch()))
            }
            return table.isEmpty ? "no sidecar is connected\n" : render(table)
        }
    }

    private func services(named name: String?) throws(ConsoleError) -> [JSONValue] {
        guard let name else { return try control.list("/v1/services", cursor: "after") }
        return [try control.get(ApplyStep.target(name)).document]
    }

    private static func document(_ items: [JSONValue], isOne: Bool) -> JSONValue {
        isOne ? items.first ?? .null : .array(items)
    }

    private static func cells(_ service: ServiceView) -> [TextTable.Cell] {
        let routes = service.routes
        let main = routes.first { $0.match == "*" } ?? routes.last
        let versions = service.endpointCounts.map { "\($0.version)(\($0.count))" }
        return [
            .init(service.name), .init(service.application),
            .init(main.map { ServiceView.text($0.shares) } ?? "-"), .init("\(routes.count)"),
            .init(versions.joined(separator: ", ")), .init(service.security),
            .init(service.access ?? "-"),
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
