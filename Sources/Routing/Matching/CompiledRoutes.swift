import Bytes
import HTTP
import Mesh
import Synchronization

/// What a ``RouteTable`` holds: lists of trivial records that point into each other.
///
/// It cannot be copied, so that no access counts references.
struct CompiledRoutes: ~Copyable, Sendable {
    let text: Text
    let words: Words
    let hosts: HostIndex
    let paths: PathIndex
    let conditions: Conditions
    /// By the number of the route, as ``routes``.
    let tests: [RouteTest]
    let routes: [RouteRecord]
    let entries: [EntryRecord]
    let splits: [SplitRecord]
    let nodes: [Split.Node]
    let sequences: [PickSequence]
    let stickyStarts: [UInt64]
    let stickyEntries: [Int32]
    let hashPolicies: [HashPolicyRecord]
    let mutations: [MutationRecord]
    let rewrites: [RegexRewrite]
    let redirects: [RedirectRecord]
    let retriableStatuses: [UInt16]
    let mostSpecificMutationsComeLast: Bool
    /// What holds an atomic stays where it is; else every call would copy all of the above, to lend
    /// it.
    private let anchor = Atomic(false)

    init(_ compiler: RoutesCompiler) {
        text = compiler.text
        words = compiler.words
        hosts = compiler.hosts
        paths = compiler.paths
        conditions = compiler.conditions
        tests = compiler.tests
        routes = compiler.routes
        entries = compiler.entries
        splits = compiler.splits
        nodes = compiler.nodes
        sequences = compiler.sequences
        stickyStarts = compiler.stickyStarts
        stickyEntries = compiler.stickyEntries
        hashPolicies = compiler.hashPolicies
        mutations = compiler.mutations
        rewrites = compiler.rewrites
        redirects = compiler.redirects
        retriableStatuses = compiler.retriableStatuses
        mostSpecificMutationsComeLast = compiler.mostSpecificMutationsComeLast
    }

    /// The first route of the request's virtual host whose conditions all hold; `nil` answers 404.
    func match(
        _ head: borrowing RequestHead, _ surroundings: RouteTable.Surroundings
    ) -> RouteNumber? {
        guard let host = hosts.host(for: head.authority, text: text) else { return nil }
        let path = head.path.withoutQuery
        let part = paths.hosts[Int(host)]
        var best = PathIndex.none
        var hash = PrefixHash(scope: host)
        var position = part.lengths.lowerBound
        while position < part.lengths.upperBound {
            let length = paths.lengths[position]
            position += 1
            if length > path.count { break }
            let prefix = path.extracting(0..<length)
            let value = hash.value(of: path, length: length)
            var route = paths.firstPrefix(prefix, hash: value, host: host, text: text)
            while route < best {
                if tests[Int(route)].path.canEnd(at: length, of: path),
                    isMet(route, head, surroundings)
                {
                    best = route
                }
                route = paths.next[Int(route)]
            }
        }
        if part.hasExact {
            let value = hash.value(of: path, length: path.count)
            var route = paths.firstExact(path, hash: value, host: host, text: text)
            while route < best {
                if isMet(route, head, surroundings) { best = route }
                route = paths.next[Int(route)]
            }
        }
        for index in part.unindexed {
            let route = paths.unindexed[index]
            if route >= best { break }
            if conditions.isMet(tests[Int(route)].path, by: path, text: text),
                isMet(route, head, surroundings)
            {
                best = route
            }
        }
        return best == PathIndex.none ? nil : RouteNumber(value: best)
    }

    func action(of route: RouteNumber) -> CompiledAction {
        routes[Int(route.value)].action
    }

    func appendBody(of route: RouteNumber, to buffer: inout Buffer) {
        buffer.append(text[routes[Int(route.value)].body])
    }

    func appendName(of route: RouteNumber, to buffer: inout Buffer) {
        buffer.append(text[routes[Int(route.value)].name])
    }

    func streamLimits(of route: RouteNumber) -> CompiledStreamLimits? {
        routes[Int(route.value)].streamLimits
    }

    /// Whether the retry policy of the route lists `status`.
    func isRetriable(_ status: UInt16, for route: RouteNumber) -> Bool {
        for index in routes[Int(route.value)].retriableStatuses
        where retriableStatuses[Int(index)] == status {
            return true
        }
        return false
    }
}

/// Texts that every table needs.
struct Words: Sendable {
    let http: TextRange
    let https: TextRange

    init(text: inout Text) {
        http = text.store("http")
        https = text.store("https")
    }
}
