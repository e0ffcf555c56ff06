import Mesh

extension ServiceAccess {
    /// What stands before the router where requests come in for a service.
    ///
    /// A filter has either rules that allow or rules that deny, so there are two of them where
    /// there are both; the one that denies comes first, and its answer is the last word.
    ///
    /// - Parameter trustDomain: Who vouches for callers.
    /// - Returns: The filters in their order.
    /// - Throws: `MeshError` when a rule cannot be told to proxies.
    func filters(in trustDomain: TrustDomain) throws(MeshError) -> [AccessFilter] {
        var filters: [AccessFilter] = []
        let denials = try policies(of: .deny, in: trustDomain)
        if !denials.isEmpty { filters.append(try filter(.deny, denials)) }
        if standard == .deny {
            filters.append(try filter(.allow, policies(of: .allow, in: trustDomain)))
        }
        return filters
    }

    private func filter(
        _ action: AccessRules.Action, _ policies: [AccessPolicy]
    ) throws(MeshError) -> AccessFilter {
        let prefix =
            switch action {
            case .allow: Verdict.allow.rawValue
            case .deny: Verdict.deny.rawValue
            }
        let rules = try AccessRules(action, policies)
        return AccessFilter(
            rules: isDryRun ? nil : rules, statPrefix: isDryRun ? "" : prefix,
            shadowRules: isDryRun ? rules : nil, shadowStatPrefix: isDryRun ? prefix : "")
    }

    /// The rules of one kind; each is called by its place among all, counted from one.
    private func policies(
        of verdict: Verdict, in trustDomain: TrustDomain
    ) throws(MeshError) -> [AccessPolicy] {
        var policies: [AccessPolicy] = []
        for (index, rule) in rules.enumerated() where rule.verdict == verdict {
            policies.append(
                try AccessPolicy(
                    name: "rule-\(index + 1)", permissions: try rule.permissions(),
                    principals: try rule.principals(in: trustDomain)))
        }
        return policies
    }
}

extension AccessRule {
    /// Of which a request fulfils one when the rule is about it.
    fileprivate func permissions() throws(MeshError) -> [Permission] {
        var methods: [Permission] = []
        for method in self.methods {
            let matcher = try StringMatcher(.exact(method))
            methods.append(.header(try HeaderMatcher(name: ":method", .string(matcher))))
        }
        var paths: [Permission] = []
        for path in self.paths { paths.append(.path(try path.matcher())) }
        switch (methods.isEmpty, paths.isEmpty) {
        case (true, true): return [.any]
        case (true, false): return paths
        case (false, true): return methods
        case (false, false): return [.all([.either(methods), .either(paths)])]
        }
    }

    /// Of which its sender fulfils one when the rule is about a request.
    fileprivate func principals(in trustDomain: TrustDomain) throws(MeshError) -> [Principal] {
        if callers.isEmpty { return [.any] }
        var principals: [Principal] = []
        for caller in callers {
            principals.append(.authenticated(try caller.matcher(in: trustDomain)))
        }
        return principals
    }
}

extension CallerPattern {
    fileprivate func matcher(in trustDomain: TrustDomain) throws(MeshError) -> StringMatcher {
        switch self {
        case .workload(let identity):
            try StringMatcher(.exact(identity.spiffeID(in: trustDomain)))
        case .namespace(let name):
            try StringMatcher(.prefix(trustDomain.spiffeIDPrefix(ofNamespace: name)))
        case .spiffeID(let text): try StringMatcher(.exact(text))
        }
    }
}

extension AccessRule.Path {
    fileprivate func matcher() throws(MeshError) -> StringMatcher {
        switch self {
        case .exact(let text): try StringMatcher(.exact(text))
        case .prefix(let text): try StringMatcher(.prefix(text))
        }
    }
}
