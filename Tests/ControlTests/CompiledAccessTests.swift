import HTTP
import Mesh
import Routing
import Testing
import XDS

@testable import Control

@Suite struct `Access as sidecars are told of it` {
    /// The filters of the inbound listener, as a sidecar reads them.
    private func filters(_ access: ServiceAccess?) throws -> [AccessFilter] {
        let service = try Service(
            name: "reviews", security: .permissive, access: access,
            versions: [try Version(name: "v1", endpoints: [])])
        let world = World().applying(["reviews": service])
        let catalog = try Catalog(world, after: nil)
        try catalog.check()
        let node = NodeIdentity(
            id: "x", cluster: "reviews",
            metadata: [
                "inbound_address": .string("127.0.0.1:1"),
                "application_address": .string("127.0.0.1:2"),
            ])
        let offer = try catalog.offer(for: SidecarProfile(node))
        let body = try #require(offer.listeners.resources["inbound"]?.body)
        var decoder = ResourceDecoder(rejectsUnknownFields: true)
        return try decoder.listener(body).accessFilters
    }

    private func rule(
        _ verdict: ServiceAccess.Verdict, _ methods: [String]? = nil, _ paths: [String]? = nil,
        from callers: [String]? = nil
    ) throws -> AccessRule {
        try AccessRule(
            verdict, callers: try callers.map { try $0.map { try CallerPattern(parsing: $0) } },
            methods: methods,
            paths: try paths.map { try $0.map { try AccessRule.Path(parsing: $0) } })
    }

    @Test func `is a filter for what is denied and one for what is allowed`() throws {
        let denial = try rule(.deny, nil, ["/admin/*"])
        let permission = try rule(.allow, ["GET"])
        let table: [(ServiceAccess?, [AccessRules.Action])] = [
            (nil, []), (try ServiceAccess(standard: .allow), []),
            (try ServiceAccess(standard: .deny), [.allow]),
            (try ServiceAccess(standard: .allow, rules: [denial]), [.deny]),
            (try ServiceAccess(standard: .deny, rules: [permission]), [.allow]),
            (try ServiceAccess(standard: .deny, rules: [permission, denial]), [.deny, .allow]),
        ]
        for (access, actions) in table {
            let filters = try filters(access)
            #expect(filters.compactMap(\.rules?.action) == actions)
            #expect(filters.map(\.statPrefix) == actions.map { "\($0)" })
            #expect(filters.allSatisfy { $0.shadowRules == nil })
        }
    }

    @Test func `changes nothing in a dry run`() throws {
        let rules = [try rule(.allow, ["GET"]), try rule(.deny, nil, ["/admin"])]
        let access = try ServiceAccess(standard: .deny, isDryRun: true, rules: rules)
        let filters = try filters(access)
        #expect(filters.allSatisfy { $0.rules == nil })
        #expect(filters.compactMap(\.shadowRules?.action) == [.deny, .allow])
        #expect(filters.map(\.shadowStatPrefix) == ["deny", "allow"])
    }

    @Test func `names a rule by its place`() throws {
        let rules = [
            try rule(.allow, ["GET"]), try rule(.deny, nil, ["/a"]), try rule(.deny, nil, ["/b"]),
        ]
        let filters = try filters(ServiceAccess(standard: .deny, rules: rules))
        #expect(filters[0].rules?.policies.map(\.name) == ["rule-2", "rule-3"])
        #expect(filters[1].rules?.policies.map(\.name) == ["rule-1"])
    }

    @Test(arguments: [
        ("GET", "/items", true), ("GET", "/items/1?x=/admin", true), ("HEAD", "/items", false),
        ("get", "/items", false), ("POST", "/items", true), ("POST", "/items/", false),
        ("POST", "/items?a", true), ("DELETE", "/items", false), ("GET", "/admin", false),
        ("GET", "/admin/", false), ("GET", "/admin/x", false), ("GET", "/administrator", true),
        ("GET", "/ADMIN", true),
    ])
    func `is asked about method and path`(method: String, path: String, isAllowed: Bool) throws {
        let access = try ServiceAccess(
            standard: .deny,
            rules: [
                try rule(.allow, ["GET"]), try rule(.allow, ["POST", "PUT"], ["/items", "/x/*"]),
                try rule(.deny, nil, ["/admin", "/admin/*"]),
            ])
        let request = Request(method: method, path: path)
        #expect(request.isAllowed(by: access) == isAllowed)
        #expect(try request.isAllowed(by: filters(access)) == isAllowed)
    }

    @Test(arguments: [
        ("spiffe://cluster.local/ns/prod/sa/client", true),
        ("spiffe://cluster.local/ns/prod/sa/client2", false),
        ("spiffe://cluster.local/ns/test/sa/a", true),
        ("spiffe://cluster.local/ns/test2/sa/a", false),
        ("spiffe://cluster.local/ns/test/sa/evil", false), ("spiffe://other/a", true),
        ("spiffe://other/a/b", false), ("spiffe://other/ns/prod/sa/client", false), (nil, false),
    ])
    func `is asked about who calls`(identity: String?, isAllowed: Bool) throws {
        let access = try ServiceAccess(
            standard: .deny,
            rules: [
                try rule(.allow, from: ["prod/client", "test/*", "spiffe://other/a"]),
                try rule(.deny, from: ["test/evil"]),
            ])
        let request = Request(method: "GET", path: "/", identity: identity)
        #expect(request.isAllowed(by: access) == isAllowed)
        #expect(try request.isAllowed(by: filters(access)) == isAllowed)
    }

    @Test func `says what it says, for any rules and requests`() throws {
        let seed = UInt64.random(in: 1...UInt64.max)
        var generator = Generator(state: seed)
        var verdicts: Set<Bool> = []
        for _ in 0..<300 {
            let access = try ServiceAccess.any(&generator)
            let filters = try filters(access)
            for _ in 0..<20 {
                let request = Request.any(&generator)
                let isAllowed = request.isAllowed(by: access)
                verdicts.insert(isAllowed)
                #expect(
                    try request.isAllowed(by: filters) == isAllowed,
                    "seed \(seed): \(request) \(access)")
            }
        }
        #expect(verdicts == [true, false])
    }
}

/// A request that rules are asked about.
private struct Request: CustomStringConvertible {
    static let methods = ["GET", "HEAD", "POST", "get"]
    static let paths = ["/", "/a", "/a/", "/a/b", "/ab", "/b", "/a%2fb"]

    /// Of accounts in namespaces of the mesh, of another one, and of none.
    static let identities: [String?] = [
        "spiffe://cluster.local/ns/a/sa/x", "spiffe://cluster.local/ns/a/sa/xy",
        "spiffe://cluster.local/ns/ab/sa/x", "spiffe://other/ns/a/sa/x", nil,
    ]

    var method: String
    var path: String
    /// `nil` for a connection in the clear.
    var identity: String?

    static func any(_ generator: inout Generator) -> Request {
        Request(
            method: methods.randomElement(using: &generator) ?? "GET",
            path: (paths.randomElement(using: &generator) ?? "/")
                + (["", "?", "?/a"].randomElement(using: &generator) ?? ""),
            identity: identities.randomElement(using: &generator) ?? nil)
    }

    var description: String { "\(method) \(path) from \(identity ?? "-")" }

    /// By the words of the model, with nothing compiled.
    func isAllowed(by access: ServiceAccess) -> Bool {
        let matching = access.rules.filter(matches)
        if matching.contains(where: { $0.verdict == .deny }) { return false }
        return access.standard == .allow || !matching.isEmpty
    }

    private func matches(_ rule: AccessRule) -> Bool {
        let path = String(path.prefix { $0 != "?" })
        let hasPath = rule.paths.contains { wanted in
            switch wanted {
            case .exact(let text): path == text
            case .prefix(let text): path.hasPrefix(text)
            }
        }
        let hasCaller = rule.callers.contains { caller in
            switch caller {
            case .workload(let workload):
                identity == "spiffe://cluster.local/ns/\(workload.namespace)/sa/\(workload.account)"
            case .namespace(let name):
                identity?.split(separator: "/").prefix(4).dropFirst()
                    == ["cluster.local", "ns", name[...]]
            case .spiffeID(let text): identity == text
            }
        }
        return (rule.callers.isEmpty || hasCaller)
            && (rule.methods.isEmpty || rule.methods.contains(method))
            && (rule.paths.isEmpty || hasPath)
    }

    /// By the tables of a sidecar, whose filters are asked in their order.
    func isAllowed(by filters: [AccessFilter]) throws -> Bool {
        var head = RequestHead()
        head.methodRange = head.fields.store(method.utf8.span)
        head.pathRange = head.fields.store(path.utf8.span)
        let names = identity.map { Caller.Names(uris: [$0], hosts: [], subject: "CN=x") }
        let caller = Caller(names: names, address: nil, port: 80)
        for filter in filters {
            let rules = try #require(filter.rules ?? filter.shadowRules)
            if !AccessTable(rules).verdict(on: head, from: caller).isAllowed { return false }
        }
        return true
    }
}

extension ServiceAccess {
    fileprivate static func any(_ generator: inout Generator) throws -> ServiceAccess {
        let standard: Verdict = Bool.random(using: &generator) ? .allow : .deny
        var rules: [AccessRule] = []
        for _ in 0..<Int.random(in: 0...4, using: &generator) {
            let isDenial = standard == .allow || Int.random(in: 0..<3, using: &generator) == 0
            rules.append(try AccessRule.any(isDenial ? .deny : .allow, &generator))
        }
        return try ServiceAccess(
            standard: standard, isDryRun: Bool.random(using: &generator), rules: rules)
    }
}

extension AccessRule {
    fileprivate static func any(
        _ verdict: ServiceAccess.Verdict, _ generator: inout Generator
    ) throws -> AccessRule {
        func some<Value>(_ values: [Value]) -> [Value] {
            Array(
                values.shuffled(using: &generator)
                    .prefix(Int.random(in: 1...2, using: &generator)))
        }
        let kinds = Int.random(in: 1..<8, using: &generator)
        let paths = ["/*", "/", "/a", "/a*", "/a/*", "/a/b", "/a%*"]
        let callers = ["a/x", "a/*", "ab/x", "spiffe://other/ns/a/sa/x", "b/y"]
        return try AccessRule(
            verdict,
            callers: kinds & 1 == 0
                ? nil : try some(callers).map { try CallerPattern(parsing: $0) },
            methods: kinds & 2 == 0 ? nil : some(Request.methods),
            paths: kinds & 4 == 0 ? nil : try some(paths).map { try Path(parsing: $0) })
    }
}
