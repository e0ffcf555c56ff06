/// A service as the API gives it, as far as tables show it.
public struct ServiceView: Equatable, Sendable {
    public struct Share: Equatable, Sendable {
        public var version: String
        public var partsPerMillion: Int64
    }

    public struct Route: Equatable, Sendable {
        public var name: String
        public var match: String
        public var shares: [Share]
        public var sticky: String?
        public var timeout: String?
    }

    public var name: String
    public var application: String
    /// How many endpoints each version has, by name.
    public var endpointCounts: [(version: String, count: Int)]
    public var routes: [Route]
    /// `off`, `permissive` or `strict`.
    public var security: String
    /// `deny, 2 rules`; `nil` where everybody may ask for everything.
    public var access: String?
    /// The revision that changed the service last.
    public var revision: Int64?

    public init(_ document: JSONValue) {
        name = document["name"]?.text ?? ""
        application = document["protocol"]?.text ?? "http"
        endpointCounts = (document["versions"]?.members ?? []).map { version in
            (version: version.name, count: version.value["endpoints"]?.elements.count ?? 0)
        }
        routes = (document["routes"]?.elements ?? []).map(Route.init)
        security = document["tls"]?.text ?? "off"
        access = document["access"].map(Self.accessText)
        revision = document["revision"]?.whole
    }

    public static func == (left: ServiceView, right: ServiceView) -> Bool {
        left.name == right.name && left.application == right.application
            && left.routes == right.routes && left.access == right.access
            && left.security == right.security && left.revision == right.revision
            && left.endpointCounts.elementsEqual(right.endpointCounts) { $0 == $1 }
    }

    private static func accessText(_ access: JSONValue) -> String {
        let count = access["rules"]?.elements.count ?? 0
        var parts = [access["default"]?.text ?? "", "\(count) \(count == 1 ? "rule" : "rules")"]
        if access["dryRun"]?.flag == true { parts.append("dry run") }
        return parts.joined(separator: ", ")
    }

    /// `v1 95%, v2 5%`, versions without a share left out.
    public static func text(_ shares: [Share]) -> String {
        let shown = shares.filter { $0.partsPerMillion > 0 }
        return shown.map { share in
            "\(share.version) \(Console.Share.text(partsPerMillion: share.partsPerMillion))"
        }.joined(separator: ", ")
    }

    /// The shares of a mapping from versions to weights, in the order of their names.
    public static func shares(_ weights: JSONValue?) -> [Share] {
        let members = weights?.members ?? []
        let parts = Console.Share.partsPerMillion(members.map { $0.value.decimal ?? 0 })
        return zip(members, parts).map { Share(version: $0.name, partsPerMillion: $1) }
    }
}

extension ServiceView.Route {
    init(_ document: JSONValue) {
        name = document["name"]?.text ?? ""
        match = Self.matchText(document["match"])
        shares = ServiceView.shares(document["split"])
        sticky = document["sticky"]?.members.first.map { member in
            member.value.text.map { "\(member.name) \($0)" } ?? member.name
        }
        timeout = document["timeout"]?.text
    }

    /// `path /a*, header x-user-group=beta`; `*` for all requests.
    private static func matchText(_ match: JSONValue?) -> String {
        let kinds = ["headers": "header", "query": "query", "cookies": "cookie"]
        var parts: [String] = []
        for (name, condition) in match?.members ?? [] {
            if let kind = kinds[name] {
                parts += condition.members.map { "\(kind) \($0.name)\(conditionText($0.value))" }
            } else if name == "method" {
                parts.append(condition.plainText)
            } else {
                parts.append("\(name) \(conditionText(condition).drop { $0 == "=" })")
            }
        }
        return parts.isEmpty ? "*" : parts.joined(separator: ", ")
    }

    private static func conditionText(_ condition: JSONValue) -> String {
        guard let (kind, value) = condition.members.first else { return "=\(condition.plainText)" }
        switch kind {
        case "exact": return "=\(value.plainText)"
        case "prefix": return "=\(value.plainText)*"
        case "suffix": return "=*\(value.plainText)"
        case "contains": return "=*\(value.plainText)*"
        case "regex": return "=~\(value.plainText)"
        case "present": return value.flag == false ? " absent" : " present"
        default: return "=\(condition.plainText)"
        }
    }
}
