import Mesh

/// Compiles a route configuration into the lists of a ``CompiledRoutes``.
struct RoutesCompiler {
    private(set) var text = Text()
    let words: Words
    private(set) var hosts: HostIndex
    private(set) var paths: PathIndex
    private(set) var conditions = Conditions()
    private(set) var tests: [RouteTest] = []
    private(set) var routes: [RouteRecord] = []
    private(set) var entries: [EntryRecord] = []
    private(set) var splits: [SplitRecord] = []
    private(set) var nodes: [Split.Node] = []
    private(set) var sequences: [PickSequence] = []
    private(set) var stickyStarts: [UInt64] = []
    private(set) var stickyEntries: [Int32] = []
    private(set) var hashPolicies: [HashPolicyRecord] = []
    private(set) var mutations: [MutationRecord] = []
    private(set) var rewrites: [RegexRewrite] = []
    private(set) var redirects: [RedirectRecord] = []
    private(set) var retriableStatuses: [UInt16] = []
    let mostSpecificMutationsComeLast: Bool
    private let clusters: [String: Int32]

    init(
        _ configuration: RouteConfiguration, splits: [[PlannedSplit?]], clusters: [String: Int32]
    ) {
        self.clusters = clusters
        mostSpecificMutationsComeLast = configuration.mostSpecificHeaderMutationsWin
        words = Words(text: &text)
        hosts = HostIndex(configuration, text: &text)
        paths = PathIndex(
            routeCount: configuration.virtualHosts.reduce(0) { $0 + $1.routes.count })
        for (index, host) in configuration.virtualHosts.enumerated() {
            add(host, of: configuration, splits: index < splits.count ? splits[index] : [])
        }
    }

    private mutating func add(
        _ host: VirtualHost, of configuration: RouteConfiguration, splits: [PlannedSplit?]
    ) {
        let firstRoute = routes.count
        // Routes without mutations of their own share those of their host.
        let request = add([host.requestHeaders, configuration.requestHeaders])
        let response = add([host.responseHeaders, configuration.responseHeaders])
        for (index, route) in host.routes.enumerated() {
            tests.append(
                RouteTest(
                    path: conditions.add(route.match, text: &text),
                    fields: conditions.add(route.match.headers, text: &text),
                    queries: conditions.add(route.match.queryParameters, text: &text),
                    isGRPC: route.match.isGRPC))
            var record = RouteRecord(
                name: text.store(route.name), action: .directResponse(status: 404))
            record.requestMutations =
                route.requestHeaders.isEmpty
                ? request
                : add([
                    route.requestHeaders, host.requestHeaders, configuration.requestHeaders,
                ])
            record.responseMutations =
                route.responseHeaders.isEmpty
                ? response
                : add([
                    route.responseHeaders, host.responseHeaders, configuration.responseHeaders,
                ])
            switch route.action {
            case .forward(let action):
                let split = index < splits.count ? splits[index] : nil
                set(action, host.retryPolicy, split, in: &record)
            case .redirect(let action):
                record.action = .redirect(status: action.status.rawValue)
                record.redirect = add(action)
            case .directResponse(let action):
                record.action = .directResponse(status: action.status)
                record.body = text.store(action.body)
            }
            routes.append(record)
        }
        paths.addHost(
            tests[firstRoute...].map(\.path), firstRoute: UInt32(clamping: firstRoute), text: text)
    }

    private mutating func set(
        _ action: ForwardAction, _ hostRetryPolicy: RetryPolicy?, _ split: PlannedSplit?,
        in record: inout RouteRecord
    ) {
        let retryPolicy = action.retryPolicy ?? hostRetryPolicy
        record.action = .forward(
            CompiledForward(
                timeout: action.timeout?.clampedNanoseconds ?? .max,
                idleTimeout: action.idleTimeout.nanoseconds,
                retry: retryPolicy.map(CompiledRetry.init),
                hasHashPolicies: !action.hashPolicies.isEmpty,
                hasStreamLimits: action.streamLimits != .none))
        if action.streamLimits != .none {
            record.streamLimits = CompiledStreamLimits(action.streamLimits)
        }
        let statusStart = retriableStatuses.count
        retriableStatuses += retryPolicy?.retriableStatusCodes ?? []
        record.retriableStatuses = range(from: statusStart, to: retriableStatuses.count)
        switch action.destination {
        case .cluster(let name):
            record.target = .entry(add(EntryRecord(cluster: clusters[name] ?? -1)))
        case .weighted(let weighted):
            record.target = add(weighted, split)
        }
        switch action.pathRewrite {
        case .prefix(let prefix): record.pathRewrite = .prefix(text.store(prefix))
        case .regex(let rewrite): record.pathRewrite = .regex(add(rewrite))
        case nil: break
        }
        switch action.hostRewrite {
        case .literal(let host): record.hostRewrite = .literal(text.store(host))
        case .header(let name): record.hostRewrite = .field(text.store(name))
        case nil: break
        }
        let policyStart = hashPolicies.count
        for policy in action.hashPolicies { add(policy) }
        record.hashPolicies = range(from: policyStart, to: hashPolicies.count)
    }

    private mutating func add(
        _ weighted: WeightedClusters, _ split: PlannedSplit?
    ) -> RouteRecord.Target {
        let firstEntry = Int32(clamping: entries.count)
        for entry in weighted.entries {
            let requestMutations = add([entry.requestHeaders])
            let responseMutations = add([entry.responseHeaders])
            _ = add(
                EntryRecord(
                    cluster: clusters[entry.name] ?? -1, requestMutations: requestMutations,
                    responseMutations: responseMutations,
                    hostRewrite: entry.hostRewrite.map { text.store($0) }))
        }
        guard let split else { return .entry(firstEntry) }
        let compiled = Split(split.shares)
        let stickyStart = stickyStarts.count
        if weighted.usesHashPolicy { add(split.sticky, split.shares) }
        splits.append(
            SplitRecord(
                root: compiled.root, firstNode: Int32(clamping: nodes.count),
                firstEntry: firstEntry, sequence: Int32(clamping: sequences.count),
                seed: split.sequence.seed,
                sticky: range(from: stickyStart, to: stickyStarts.count), salt: split.salt))
        nodes += compiled.nodes
        sequences.append(split.sequence)
        return .split(Int32(clamping: splits.count - 1))
    }

    private mutating func add(_ map: StickyMap, _ shares: Shares) {
        var entries: [String: Int32] = [:]
        for share in shares.shares { entries[share.version] = share.entry }
        for interval in map.intervals {
            stickyStarts.append(interval.start)
            stickyEntries.append(entries[interval.version] ?? 0)
        }
    }

    private mutating func add(_ entry: EntryRecord) -> Int32 {
        entries.append(entry)
        return Int32(clamping: entries.count - 1)
    }

    private mutating func add(_ rewrite: RegexRewrite) -> Int32 {
        rewrites.append(rewrite)
        return Int32(clamping: rewrites.count - 1)
    }

    private mutating func add(_ action: RedirectAction) -> Int32 {
        let path: RedirectRecord.Path =
            switch action.path {
            case nil: .keep
            case .replace(let path): .replace(text.store(path), hasQuery: path.contains("?"))
            case .prefix(let prefix): .prefix(text.store(prefix))
            case .regex(let rewrite): .regex(add(rewrite))
            }
        redirects.append(
            RedirectRecord(
                scheme: action.scheme.map { text.store($0) },
                host: action.host.map { text.store($0) }, port: action.port, path: path,
                stripsQuery: action.stripsQuery))
        return Int32(clamping: redirects.count - 1)
    }

    private mutating func add(_ policy: HashPolicy) {
        switch policy.source {
        case .header(let name):
            add(policy, .field, name)
        case .sourceAddress:
            add(policy, .sourceAddress, "")
        case .queryParameter(let name):
            add(policy, .queryParameter, name)
        case .cookie(let cookie):
            add(policy, .cookie, cookie.name)
            guard let timeToLive = cookie.timeToLive else { return }
            let last = hashPolicies.count - 1
            hashPolicies[last].isGenerated = true
            hashPolicies[last].attributes = text.store(cookie.attributes(timeToLive: timeToLive))
        }
    }

    private mutating func add(
        _ policy: HashPolicy, _ source: HashPolicyRecord.Source, _ name: String
    ) {
        hashPolicies.append(
            HashPolicyRecord(
                source: source, name: text.store(name), isTerminal: policy.isTerminal))
    }

    /// Adds mutations, given from the most specific level to the least.
    private mutating func add(_ levels: [HeaderMutations]) -> Range<Int32> {
        let start = mutations.count
        for level in mostSpecificMutationsComeLast ? levels.reversed() : levels {
            for name in level.removals {
                mutations.append(
                    MutationRecord(kind: .remove, name: text.store(name), value: .empty))
            }
            for addition in level.additions
            where addition.keepsEmptyValue || !addition.value.isEmpty {
                mutations.append(
                    MutationRecord(
                        kind: MutationRecord.Kind(addition.action),
                        name: text.store(addition.name), value: text.store(addition.value)))
            }
        }
        return range(from: start, to: mutations.count)
    }

    private func range(from start: Int, to end: Int) -> Range<Int32> {
        Int32(clamping: start)..<Int32(clamping: end)
    }
}

extension CompiledRetry {
    fileprivate init(_ policy: RetryPolicy) {
        conditions = policy.conditions
        retryCount = policy.retryCount
        perTryTimeout = policy.perTryTimeout?.clampedNanoseconds
        baseInterval = policy.baseInterval.clampedNanoseconds
        maximumInterval = policy.maximumInterval.clampedNanoseconds
    }
}

extension CompiledStreamLimits {
    init(_ limits: StreamLimits) {
        duration = limits.duration?.clampedNanoseconds ?? .max
        switch limits.grpcTimeout {
        case .ignored:
            grpcMaximum = nil
            grpcMargin = 0
        case .honoured(let maximum, let margin):
            grpcMaximum = maximum?.clampedNanoseconds ?? .max
            grpcMargin = margin.clampedNanoseconds
        }
        replacesTimeout = limits.replacesTimeout
    }
}

extension ForwardAction.IdleTimeout {
    /// The most there can be is no limit; `nil` is as the listener says.
    fileprivate var nanoseconds: UInt64? {
        switch self {
        case .inherited: nil
        case .disabled: .max
        case .after(let duration): duration.clampedNanoseconds
        }
    }
}

extension MutationRecord.Kind {
    fileprivate init(_ action: HeaderMutations.Addition.Action) {
        self =
            switch action {
            case .append: .append
            case .addIfAbsent: .addIfAbsent
            case .overwrite: .overwrite
            case .overwriteIfExists: .overwriteIfExists
            }
    }
}

extension HashPolicy.Cookie {
    /// What stands behind the value in `Set-Cookie` (RFC 6265 §4.1.1).
    ///
    /// Without a path a browser would keep one cookie for each directory, and a user would change
    /// versions between them.
    fileprivate func attributes(timeToLive: Duration) -> String {
        let age = timeToLive == .zero ? "" : "; Max-Age=\(timeToLive.components.seconds)"
        return age + "; Path=" + (path.isEmpty ? "/" : path) + "; HttpOnly"
    }
}
