import FoundationEssentials

/// A revision as the API gives it, as far as tables show it.
struct RevisionView {
    let status: RevisionStatus
    let who: String
    let why: String
    let what: String
    let time: Int64?
    let diff: JSONValue?

    init(_ document: JSONValue) {
        status = RevisionStatus(
            number: document["revision"]?.whole ?? document["number"]?.whole ?? 0,
            document: document)
        who = document["who"]?.text ?? "-"
        why = document["why"]?.text ?? ""
        what = document["what"]?.text ?? ""
        time = document["when"]?.text.flatMap(secondsSinceEpoch)
        diff = document["diff"]
    }

    func cells(now: Int64) -> [TextTable.Cell] {
        [
            .init("\(status.number)"), .init(ageText(since: time, now: now)), .init(who),
            live, .init(what), .init(why),
        ]
    }

    private var live: TextTable.Cell {
        if !status.refusals.isEmpty { return .init("refused", .bad) }
        let text = "\(status.applied)/\(status.total)"
        return .init(text, status.isLive ? .good : .caution)
    }

    func text(palette: Palette, now: Int64) -> String {
        var text = "\(palette.paint("revision \(status.number)", .strong))"
        text += ", \(ageText(since: time, now: now)) ago by \(who)"
        text += why.isEmpty ? "\n" : ": \(why)\n"
        text += "live on \(palette.paint(live.text, live.tone)) sidecars\n"
        for laggard in status.laggards { text += "  waiting for \(laggard)\n" }
        for refusal in status.refusals {
            text += "  " + palette.paint("\(refusal.proxy): \(refusal.reason)", .bad) + "\n"
        }
        return text
    }
}

/// Reads a date of RFC 3339, such as `2026-01-31T12:00:00.000Z`.
func secondsSinceEpoch(_ text: String) -> Int64? {
    let whole = text.firstIndex(of: ".").map { text[..<$0] + "Z" } ?? text[...]
    guard let date = try? Date(String(whole), strategy: .iso8601) else { return nil }
    return Int64(date.timeIntervalSince1970)
}

/// `12 s`, `3 min`; a date in the future, by clocks that differ, is `0 s`.
func ageText(since time: Int64?, now: Int64) -> String {
    guard let time else { return "-" }
    let seconds = max(0, now - time)
    return seconds == 0 ? "0 s" : Duration.seconds(seconds).shortText.ageWithoutFraction
}

extension String {
    /// Ages are whole: `1.0 s` is `1 s`.
    fileprivate var ageWithoutFraction: String {
        guard let point = firstIndex(of: "."), let space = firstIndex(of: " ") else { return self }
        return String(self[..<point] + self[space...])
    }
}
