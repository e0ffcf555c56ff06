import Mesh

/// Who may ask a service for what.
struct AccessDocument: Codable, Equatable {
    var standard: String
    var dryRun: Bool?
    var rules: [AccessRuleDocument]?

    enum CodingKeys: String, CodingKey, CaseIterable {
        case standard = "default"
        case dryRun
        case rules
    }

    init(from decoder: any Decoder) throws {
        let fields = try decoder.strictContainer(keyedBy: CodingKeys.self)
        standard = try fields.decode(String.self, forKey: .standard)
        dryRun = try fields.optional(Bool.self, forKey: .dryRun)
        rules = try fields.optional([AccessRuleDocument].self, forKey: .rules)
    }

    init(_ access: ServiceAccess) {
        standard = access.standard.rawValue
        dryRun = access.isDryRun ? true : nil
        rules = access.rules.isEmpty ? nil : access.rules.map { AccessRuleDocument($0) }
    }

    func access() throws(MeshError) -> ServiceAccess {
        let standard = try MeshError.at("default") { () throws(MeshError) in
            try ServiceAccess.Verdict(parsing: self.standard)
        }
        var rules: [AccessRule] = []
        for (index, document) in (self.rules ?? []).enumerated() {
            rules.append(
                try MeshError.at("rules[\(index)]") { () throws(MeshError) in
                    try document.rule()
                })
        }
        return try ServiceAccess(standard: standard, isDryRun: dryRun ?? false, rules: rules)
    }
}

/// One rule, by what it does with the requests that it is about.
enum AccessRuleDocument: Codable, Equatable {
    case allow(AccessConditionsDocument)
    case deny(AccessConditionsDocument)

    enum CodingKeys: String, CodingKey, CaseIterable {
        case allow
        case deny
    }

    init(from decoder: any Decoder) throws {
        let (fields, key) = try decoder.choice(of: CodingKeys.self)
        let conditions = try fields.decode(AccessConditionsDocument.self, forKey: key)
        switch key {
        case .allow: self = .allow(conditions)
        case .deny: self = .deny(conditions)
        }
    }

    init(_ rule: AccessRule) {
        let conditions = AccessConditionsDocument(rule)
        switch rule.verdict {
        case .allow: self = .allow(conditions)
        case .deny: self = .deny(conditions)
        }
    }

    func encode(to encoder: any Encoder) throws {
        var fields = encoder.container(keyedBy: CodingKeys.self)
        switch self {
        case .allow(let conditions): try fields.encode(conditions, forKey: .allow)
        case .deny(let conditions): try fields.encode(conditions, forKey: .deny)
        }
    }

    fileprivate func rule() throws(MeshError) -> AccessRule {
        let (verdict, conditions): (ServiceAccess.Verdict, AccessConditionsDocument) =
            switch self {
            case .allow(let conditions): (.allow, conditions)
            case .deny(let conditions): (.deny, conditions)
            }
        return try MeshError.at(verdict.rawValue) { () throws(MeshError) in
            try conditions.rule(verdict)
        }
    }
}

/// What a rule is about; all must hold.
struct AccessConditionsDocument: Codable, Equatable {
    var from: [String]?
    var methods: [String]?
    var paths: [String]?

    enum CodingKeys: String, CodingKey, CaseIterable {
        case from
        case methods
        case paths
    }

    init(from decoder: any Decoder) throws {
        let fields = try decoder.strictContainer(keyedBy: CodingKeys.self)
        from = try fields.optional([String].self, forKey: .from)
        methods = try fields.optional([String].self, forKey: .methods)
        paths = try fields.optional([String].self, forKey: .paths)
    }

    init(_ rule: AccessRule) {
        from = rule.callers.isEmpty ? nil : rule.callers.map(\.description)
        methods = rule.methods.isEmpty ? nil : rule.methods
        paths = rule.paths.isEmpty ? nil : rule.paths.map(\.description)
    }

    fileprivate func rule(_ verdict: ServiceAccess.Verdict) throws(MeshError) -> AccessRule {
        try AccessRule(
            verdict,
            callers: try Self.parsed(from, "from") { (text) throws(MeshError) in
                try CallerPattern(parsing: text)
            }, methods: methods,
            paths: try Self.parsed(paths, "paths") { (text) throws(MeshError) in
                try AccessRule.Path(parsing: text)
            })
    }

    private static func parsed<Value>(
        _ texts: [String]?, _ path: String, _ parse: (String) throws(MeshError) -> Value
    ) throws(MeshError) -> [Value]? {
        guard let texts else { return nil }
        var values: [Value] = []
        for (index, text) in texts.enumerated() {
            values.append(
                try MeshError.at("\(path)[\(index)]") { () throws(MeshError) in try parse(text) })
        }
        return values
    }
}
