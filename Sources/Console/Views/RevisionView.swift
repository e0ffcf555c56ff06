/// A revision as the API gives it, as far as people are shown it.
struct RevisionView {
    let status: RevisionStatus
    private let document: JSONValue

    init(_ document: JSONValue) {
        status = RevisionStatus(
            number: document["number"]?.whole ?? 0, coverage: document["inEffect"])
        self.document = document
    }

    /// The row of a list, which does not say itself how far each revision has come.
    func cells(proxies: [ProxyView], now: Int64) -> [TextTable.Cell] {
        let applied = proxies.count { ($0.revision ?? 0) >= status.number }
        let tone: Tone = applied == proxies.count ? .good : .caution
        return [
            .init("\(status.number)"), .init(ageText(since: time, now: now)), .init(who),
            .init("\(applied)/\(proxies.count)", tone), .init(what), .init(why),
        ]
    }

    func text(palette: Palette, now: Int64) -> String {
        var text = palette.paint("revision \(status.number)", .strong)
        text += ": \(what), \(ageText(since: time, now: now)) ago by \(who)".shown + "\n"
        if !why.isEmpty { text += "  \(why.shown)\n" }
        text += Difference(document["diff"]).render(indentation: 2, palette: palette)
        text += palette.paint(
            "live on \(status.applied) of \(status.total) sidecars",
            status.isLive ? .good : .caution)
        text += "\n"
        for laggard in status.laggards { text += "  waiting for \(laggard.shown)\n" }
        for refusal in status.refusals {
            let line = "  refused by \(refusal.proxy): \(refusal.reason)".shown
            text += palette.paint(line, .bad) + "\n"
        }
        return text
    }

    private var who: String { document["who"]?.text ?? "-" }
    private var why: String { document["why"]?.text ?? "" }
    private var time: Int64? { document["at"]?.text.flatMap(secondsSinceEpoch) }

    /// The kind of change and the service: `split reviews`.
    private var what: String {
        let kind = document["kind"]?.text ?? "-"
        return document["service"]?.text.map { "\(kind) \($0)" } ?? kind
    }
}
