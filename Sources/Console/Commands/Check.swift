/// One thing that `check` looked at.
public struct CheckLine: Equatable, Sendable {
    public enum Verdict: String, Equatable, Sendable {
        case good
        /// Worth knowing, and no failure.
        case caution
        case bad
    }

    public var verdict: Verdict
    public var text: String
    public var hint: String?

    public init(_ verdict: Verdict, _ text: String, hint: String? = nil) {
        self.verdict = verdict
        self.text = text
        self.hint = hint
    }

    func render(palette: Palette) -> String {
        let mark =
            switch verdict {
            case .good: palette.paint("✓", .good)
            case .caution: palette.paint("!", .caution)
            case .bad: palette.paint("✗", .bad)
            }
        var text = "\(mark) \(text.shown)\n"
        if let hint { text += palette.paint("    hint: \(hint)", .faint) + "\n" }
        return text
    }

    var document: JSONValue {
        var members: [String: JSONValue] = [
            "verdict": .string(verdict.rawValue), "text": .string(text),
        ]
        if let hint { members["hint"] = .string(hint) }
        return .object(members)
    }
}

extension Session {
    /// Looks whether the control plane answers, and whether every sidecar has what was asked for.
    ///
    /// - Throws: ``ConsoleError/checksFailed(count:isReachable:)`` after all lines are shown.
    public func check() throws(ConsoleError) {
        let (lines, isReachable) = checkLines()
        show(["checks": .array(lines.map(\.document))]) {
            lines.map { $0.render(palette: screen.palette) }.joined()
        }
        let failed = lines.filter { $0.verdict == .bad }.count
        if failed > 0 { throw .checksFailed(count: failed, isReachable: isReachable) }
    }

    private func checkLines() -> (lines: [CheckLine], isReachable: Bool) {
        let services: [JSONValue]
        do throws(ConsoleError) {
            services = try control.list("/v1/services", cursor: "after")
        } catch {
            let line = CheckLine(.bad, error.message, hint: error.hint)
            return ([line], error.exitStatus != .unreachable)
        }
        var lines = [
            CheckLine(.good, "the control plane answers at \(control.client.address)")
        ]
        lines.append(versionLine())
        lines.append(servicesLine(count: services.count))
        lines += storeLines()
        lines += sidecarLines()
        return (lines, true)
    }

    private func versionLine() -> CheckLine {
        guard let version = (try? control.get("/v1/version"))?.document["version"]?.text else {
            return CheckLine(.caution, "the control plane does not tell its version")
        }
        if version == ProgramVersion.text {
            return CheckLine(.good, "both are version \(version)")
        }
        return CheckLine(
            .caution, "the control plane is version \(version), this is \(ProgramVersion.text)",
            hint: "use the same version of both when something looks odd")
    }

    private func servicesLine(count: Int) -> CheckLine {
        if count > 0 { return CheckLine(.good, "\(count) service\(count == 1 ? "" : "s")") }
        return CheckLine(
            .caution, "there are no services", hint: "add one with 'pointsman apply -f FILE'")
    }

    private func storeLines() -> [CheckLine] {
        do throws(ConsoleError) {
            let revisions = try control.list("/v1/revisions", cursor: "before", limit: 1)
            guard let latest = revisions.first.map(RevisionView.init) else {
                return [CheckLine(.good, "the store answers and is empty")]
            }
            return [CheckLine(.good, "the store is at revision \(latest.status.number)")]
        } catch {
            return [CheckLine(.bad, "the store: \(error.message)", hint: error.hint)]
        }
    }

    private func sidecarLines() -> [CheckLine] {
        let proxies: [JSONValue]
        do throws(ConsoleError) {
            proxies = try control.list("/v1/proxies", cursor: "offset")
        } catch {
            return [CheckLine(.bad, "sidecars: \(error.message)", hint: error.hint)]
        }
        if proxies.isEmpty {
            return [
                CheckLine(
                    .caution, "no sidecar is connected",
                    hint: "start one: pointsman-proxy --control HOST:7401 --service NAME")
            ]
        }
        var lines: [CheckLine] = []
        for proxy in proxies.map(ProxyView.init) {
            if let line = proxy.complaint { lines.append(line) }
        }
        let sound = proxies.count - lines.count
        if sound > 0 {
            let text = "\(sound) of \(proxies.count) sidecars have the latest revision in effect"
            lines.insert(CheckLine(.good, text), at: 0)
        }
        return lines
    }
}

extension ProxyView {
    private var standing: String {
        revision.map { "it has revision \($0)" } ?? "it has nothing yet"
    }

    /// What is wrong with the sidecar; `nil` when nothing is.
    fileprivate var complaint: CheckLine? {
        switch state {
        case .current: nil
        case .lagging:
            CheckLine(
                .caution, "sidecar \(name) lags: \(standing)",
                hint: "ask again in a moment; if it stays so, look at the sidecar's log")
        case .refused:
            CheckLine(
                .bad,
                "sidecar \(name) refused the latest revision: \(refusal ?? "it says no more")",
                hint: "it keeps the last good one; go back with 'pointsman restore N'")
        }
    }
}
