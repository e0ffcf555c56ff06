/// A sidecar as the API gives it, as far as tables show it.
struct ProxyView {
    enum State: String {
        case live
        case lagging
        case refused

        var tone: Tone {
            switch self {
            case .live: .good
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
    var revision: String { word("revision") }
    var reason: String { word("reason") }
    var state: State { State(rawValue: word("state")) ?? .lagging }

    func cells(now: Int64) -> [TextTable.Cell] {
        let since = document["since"]?.text.flatMap(secondsSinceEpoch)
        return [
            .init(name), .init(word("service")), .init(state.rawValue, state.tone),
            .init(revision), .init(ageText(since: since, now: now)), .init(word("address")),
            .init(word("program")), .init(reason),
        ]
    }

    private func word(_ name: String) -> String {
        document[name]?.plainText ?? "-"
    }
}
