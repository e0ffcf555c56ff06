/// One change of the configuration, and how far it has come.
public struct RevisionStatus: Equatable, Sendable {
    public struct Refusal: Equatable, Sendable {
        public var proxy: String
        public var reason: String
    }

    public var number: Int64
    /// How many sidecars have it, or a later one, in effect.
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

    /// Whether every connected sidecar has it in effect; so it is when there is none.
    public var isLive: Bool { applied >= total }
}

extension RevisionStatus {
    /// Reads `GET /v1/revisions/{n}`.
    public init(number: Int64, document: JSONValue) {
        self.number = number
        let rollout = document["status"] ?? document
        applied = Int(clamping: rollout["applied"]?.whole ?? 0)
        total = Int(clamping: rollout["total"]?.whole ?? rollout["proxies"]?.whole ?? 0)
        laggards = (rollout["laggards"]?.elements ?? []).map { laggard in
            laggard["id"]?.text ?? laggard["proxy"]?.text ?? laggard.plainText
        }
        refusals = (rollout["refusals"]?.elements ?? []).map { refusal in
            Refusal(
                proxy: refusal["proxy"]?.text ?? refusal["id"]?.text ?? "",
                reason: refusal["reason"]?.text ?? refusal["message"]?.text ?? "")
        }
    }
}
