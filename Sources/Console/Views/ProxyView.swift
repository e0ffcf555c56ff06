/// A sidecar as the API gives it, as far as tables show it.
struct ProxyView {
    enum State: String {
        case current
        case lagging
        case refused

        var tone: Tone {
            switch self {
            case .current: .good
            case .lagging: .caution
            case .refused: .bad
            }
        }
    }

    private let document: JSONValue

    init(_ document: JSONValue) {
        self.document = document
    }

    var name: String { word("id") }
    /// The latest revision that is in effect there; `nil` before the first.
    var revision: Int64? { document["revision"]?.whole }
    var refusal: String? { document["refusal"]?["reason"]?.text }
    /// A state that this program does not know yet is no good news.
    var state: State { State(rawValue: word("state")) ?? .lagging }

    func cells(now: Int64) -> [TextTable.Cell] {
        let since = document["connectedAt"]?.text.flatMap(secondsSinceEpoch)
        return [
            .init(name), .init(word("service")), .init(state.rawValue, state.tone),
            .init(revision.map(String.init) ?? "-"), .init(ageText(since: since, now: now)),
            .init(word("identity")),
            .init(word("address")), .init(word("userAgent")), .init(refusal ?? ""),
        ]
    }

    private func word(_ name: String) -> String {
        document[name]?.plainText ?? "-"
    }
}
