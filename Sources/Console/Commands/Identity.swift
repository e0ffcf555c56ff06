extension Session {
    /// Makes a bootstrap token and writes its text, alone, where results go.
    ///
    /// - Parameters:
    ///   - identity: `ACCOUNT` or `NAMESPACE/ACCOUNT`.
    ///   - lifetime: How long it may be used; whole seconds.
    ///   - uses: How often.
    /// - Throws: ``ConsoleError``.
    public func makeToken(
        for identity: String, lifetime: Duration, uses: Int64
    ) throws(ConsoleError) {
        var body: [String: JSONValue] = [
            "lifetime_seconds": .integer(lifetime.components.seconds), "uses": .integer(uses),
        ]
        let parts = identity.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        if parts.count == 2 { body["namespace"] = .string(String(parts[0])) }
        body["account"] = .string(String(parts[parts.count - 1]))
        let reply = try control.change(
            "POST", "/v1/identity/tokens", body: .object(body), intent: .init())
        show(reply) { (reply["token"]?.text ?? "") + "\n" }
        if format.render(.null) == nil {
            let name = reply["identity"]?.plainText ?? identity
            screen.say(
                "for \(name) until \(reply["expiresAt"]?.plainText ?? "-"), \(uses) uses".shown,
                .faint)
        }
    }

    /// Shows the tokens that have not expired, without their secrets.
    public func listTokens() throws(ConsoleError) {
        let now = Int64.secondsSinceEpoch()
        let tokens = try control.get("/v1/identity/tokens").document["items"] ?? .array([])
        show(tokens) {
            var table = TextTable(columns: [
                .init("ID"), .init("IDENTITY"), .init("LEFT", isRightAligned: true),
                .init("ENDS IN"), .init("MADE"), .init("BY"),
            ])
            for token in tokens.elements {
                table.append([
                    .init(token["id"]?.plainText ?? "-"),
                    .init(token["identity"]?.plainText ?? "-"),
                    .init("\(token["usesLeft"]?.whole ?? 0) of \(token["uses"]?.whole ?? 0)"),
                    .init(restText(until: token["expiresAt"], now: now)),
                    .init(ageText(since: time(token["madeAt"]), now: now)),
                    .init(token["madeBy"]?.plainText ?? "-"),
                ])
            }
            return table.isEmpty ? "no token\n" : render(table)
        }
    }

    /// Makes a token good for nothing.
    public func withdrawToken(_ id: String) throws(ConsoleError) {
        let target = "/v1/identity/tokens/\(ControlPlane.percentEncoded(id))"
        let reply = try control.change("DELETE", target, intent: .init())
        show(reply) { "token \(id.shown) is withdrawn\n" }
    }

    /// Writes the roots that are accepted now, in PEM.
    public func showRoots() throws(ConsoleError) {
        let roots = try control.get("/v1/identity").document["roots"] ?? .array([])
        show(roots) { roots.elements.compactMap { $0["certificate"]?.text }.joined() }
    }

    /// Shows the latest certificates and who is connected with such an identity.
    public func listCertificates(limit: Int) throws(ConsoleError) {
        let now = Int64.secondsSinceEpoch()
        let issued = try control.list("/v1/identity/certificates", cursor: "before", limit: limit)
        let proxies = try control.list("/v1/proxies", cursor: "offset")
        let connected = Dictionary(grouping: proxies) { $0["identity"]?.text ?? "" }
        let document: JSONValue = [
            "certificates": .array(issued),
            "sidecars": .array(proxies.filter { $0["identity"]?.text != nil }),
        ]
        show(document) {
            var table = TextTable(columns: [
                .init("IDENTITY"), .init("ENDS IN"), .init("ISSUED"), .init("FOR A"),
                .init("TO", isWideOnly: true), .init("SERIAL", isWideOnly: true),
                .init("BELOW", isRightAligned: true, isWideOnly: true), .init("SIDECARS"),
            ])
            for one in issued {
                let identity = one["identity"]?.plainText ?? "-"
                let names = connected[identity]?.compactMap { $0["id"]?.text } ?? []
                table.append([
                    .init(identity), .init(restText(until: one["notAfter"], now: now)),
                    .init(ageText(since: time(one["issuedAt"]), now: now)),
                    .init(one["ground"]?.plainText ?? "-"),
                    .init(one["address"]?.plainText ?? "-"),
                    .init(one["serial"]?.plainText ?? "-"),
                    .init(one["issuer"]?.plainText ?? "-"), .init(Self.list(names)),
                ])
            }
            return table.isEmpty ? "no certificate is good now\n" : render(table)
        }
    }

    /// Shows the authorities and their stages.
    public func showAuthority() throws(ConsoleError) {
        show(authority: try control.get("/v1/identity").document)
    }

    /// Replaces the intermediate authority, or announces a new root.
    public func rotate(root: Bool) throws(ConsoleError) {
        let body: JSONValue = ["authority": root ? "root" : "intermediate"]
        show(
            authority: try control.change(
                "POST", "/v1/identity:rotate", body: body, intent: .init()))
    }

    /// Shows what was done to the authority, the latest first.
    public func listAuthorityEvents(limit: Int) throws(ConsoleError) {
        let now = Int64.secondsSinceEpoch()
        let events =
            try control.get("/v1/identity/events?limit=\(limit)").document["items"] ?? .array([])
        show(events) {
            var table = TextTable(columns: [.init("AGE"), .init("WHO"), .init("WHAT")])
            for event in events.elements {
                table.append([
                    .init(ageText(since: time(event["at"]), now: now)),
                    .init(event["who"]?.plainText ?? "-"), .init(event["what"]?.plainText ?? "-"),
                ])
            }
            return render(table)
        }
    }

    private func show(authority document: JSONValue) {
        let now = Int64.secondsSinceEpoch()
        show(document) {
            var table = TextTable(columns: [
                .init("AUTHORITY"), .init("STATE"), .init("MADE"), .init("NEEDED FOR"),
                .init("NEXT"),
            ])
            for (kind, list) in [("root", "roots"), ("intermediate", "intermediates")] {
                for one in document[list]?.elements ?? [] {
                    let state = one["state"]?.plainText ?? "-"
                    let next = one["readyAt"].map { ready in
                        let isDue = time(ready).map { $0 <= now } ?? true
                        let rest = isDue ? "now" : "in \(restText(until: ready, now: now))"
                        return "certificates hang on it \(rest)"
                    }
                    table.append([
                        .init("\(kind) \(one["id"]?.plainText ?? "-")"),
                        .init(state, state == "active" ? .good : .caution),
                        .init(ageText(since: time(one["madeAt"]), now: now)),
                        .init(restText(until: one["lastEnd"], now: now)), .init(next ?? ""),
                    ])
                }
            }
            let trustDomain = document["trustDomain"]?.plainText ?? "-"
            return "trust domain \(trustDomain.shown)\n\n" + render(table)
        }
    }

    /// Some names; how many more there are stands for the rest.
    private static func list(_ names: [String]) -> String {
        let shown = names.prefix(3).joined(separator: ", ")
        return names.count > 3 ? "\(shown) and \(names.count - 3) more" : shown
    }
}

private func time(_ value: JSONValue?) -> Int64? { value?.text.flatMap(secondsSinceEpoch) }

/// How long something is good yet; `-` when it does not say.
private func restText(until value: JSONValue?, now: Int64) -> String {
    guard let end = time(value) else { return "-" }
    return end <= now ? "ended" : Duration.seconds(end - now).shortText
}
