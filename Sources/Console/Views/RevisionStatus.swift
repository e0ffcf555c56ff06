/// How far a revision has come.
public struct RevisionStatus: Equatable, Sendable {
    public struct Refusal: Equatable, Sendable {
        public var proxy: String
        public var reason: String
    }

    public var number: Int64
    /// How many connected sidecars have it, or a later one, in effect.
    public var applied: Int
    /// How many sidecars are connected.
    public var total: Int
    /// Which connected sidecars do not have it in effect yet.
    public var laggards: [String]
    public var refusals: [Refusal]

    public init(
        number: Int64, applied: Int, total: Int, laggards: [String] = [],
        refusals: [Refusal] = []
    ) {
        self.number = number
        self.applied = applied
        self.total = total
        self.laggards = laggards
        self.refusals = refusals
    }

    /// Reads the `inEffect` of `GET /v1/revisions/{n}`.
    public init(number: Int64, coverage: JSONValue?) {
        self.number = number
        applied = Int(clamping: coverage?["applied"]?.whole ?? 0)
        total = Int(clamping: coverage?["of"]?.whole ?? 0)
        laggards = (coverage?["lagging"]?.elements ?? []).map(\.plainText)
        refusals = (coverage?["refused"]?.elements ?? []).map { refusal in
            Refusal(
                proxy: refusal["proxy"]?.text ?? "", reason: refusal["reason"]?.text ?? "")
        }
    }

    /// Whether every connected sidecar has it in effect; so it is when there is none.
    public var isLive: Bool { applied >= total }
}
