import Mesh
import Testing

@Suite struct `Access to a service` {
    private func rule(
        _ verdict: ServiceAccess.Verdict = .allow, from: [String]? = nil,
        methods: [String]? = nil, paths: [String]? = nil
    ) throws -> AccessRule {
        try AccessRule(
            verdict, callers: try from.map { try $0.map { try CallerPattern(parsing: $0) } },
            methods: methods,
            paths: try paths.map { try $0.map { try AccessRule.Path(parsing: $0) } })
    }

    @Test func `is what its author wrote`() throws {
        let rules = [
            try rule(methods: ["GET", "purge"], paths: ["/", "/a/*", "/*"]),
            try rule(.deny, paths: ["/admin*"]),
        ]
        let access = try ServiceAccess(standard: .deny, isDryRun: true, rules: rules)
        #expect(access.standard == .deny && access.isDryRun && access.rules == rules)
        #expect(rules[0].methods == ["GET", "purge"])
        #expect(rules[0].paths == [.exact("/"), .prefix("/a/"), .prefix("/")])
        #expect(rules[0].paths.map(\.description) == ["/", "/a/*", "/*"])
        #expect(rules[1].methods.isEmpty)
    }

    @Test(arguments: [
        "", "*", "a", "a/*", "/a*b", "/**", "/*/a", "/a?b", "/a#b", "/a b", "/\u{7}",
        "/" + String(repeating: "a", count: 1024),
    ])
    func `is about paths that a request can have`(text: String) {
        #expect(throws: MeshError.self) { try AccessRule.Path(parsing: text) }
    }

    @Test(arguments: [
        "//", "//a", "/a//*", "/.", "/a/.", "/./a", "/a/./*", "/..", "/a/..", "/a/../*", "/a\\b",
        "/%61", "/a%2Dx", "/a%2e%2e/b", "/%7E*",
    ])
    func `is not about spellings that rules never see`(text: String) {
        #expect(throws: MeshError.self) { try AccessRule.Path(parsing: text) }
    }

    @Test(arguments: ["/.a", "/a./b", "/...", "/a/.*", "/a/..*", "/a%2Fb", "/%", "/%4", "/a%C3%A9"])
    func `is about paths that only look so`(text: String) throws {
        #expect(try AccessRule.Path(parsing: text).description == text)
    }

    @Test(arguments: [
        ("default/client", "default/client"), ("client", "default/client"), ("prod/*", "prod/*"),
        ("prod/a.b-c", "prod/a.b-c"), ("spiffe://mesh/a", "spiffe://mesh/a"),
        ("spiffe://a.b_c-1/ns/x/sa/Y", "spiffe://a.b_c-1/ns/x/sa/Y"),
    ])
    func `is for callers by their names`(text: String, written: String) throws {
        #expect(try CallerPattern(parsing: text).description == written)
    }

    @Test(arguments: [
        "", "*", "/*", "*/*", "*/a", "a/b/*", "a*/b", "a/b*", "A/b", "a/b/c", "a/", "/a", "a b/c",
        "spiffe://", "spiffe://mesh", "spiffe://mesh/", "spiffe:///a", "spiffe://mesh/a/",
        "spiffe://mesh//a", "spiffe://mesh/*", "spiffe://mesh/..", "spiffe://mesh/./a",
        "spiffe://Mesh/a", "spiffe://mesh:1/a", "spiffe://mesh/a?b", "spiffe://mesh/a%20",
        "SPIFFE://mesh/a", "https://mesh/a", "spiffe://mesh/" + String(repeating: "a", count: 2048),
    ])
    func `is for nobody else`(text: String) {
        #expect(throws: MeshError.self) { try CallerPattern(parsing: text) }
    }

    @Test func `knows callers only where they show who they are`() throws {
        let versions = [try Version(name: "v1", endpoints: [])]
        let rules = [try rule(.deny, methods: ["PUT"]), try rule(from: ["client"])]
        let access = try ServiceAccess(standard: .deny, rules: rules)
        for security in [Service.Security.permissive, .strict] {
            let service = try Service(
                name: "a", security: security, access: access, versions: versions)
            #expect(service.identity.description == "default/a")
            let split = try service.splitting(route: "default", by: ["v1": Weight(2)])
            #expect(split.security == security && split.identity == service.identity)
        }
        let error = #expect(throws: MeshError.self) {
            try Service(name: "a", access: access, versions: versions)
        }
        #expect(error?.path == "access.rules[1].allow.from")
    }

    @Test func `refuses what would surprise, with the path of the field`() throws {
        let many = (0...64).map { "/\($0)" }
        let table: [(methods: [String]?, paths: [String]?, path: String)] = [
            (nil, nil, ""), ([], nil, "methods"), (nil, [], "paths"), (["GET"], [], "paths"),
            (["GE T"], nil, "methods[0]"), (["GET", ""], nil, "methods[1]"),
            (["GET", "GET"], nil, "methods[1]"), (nil, ["/a/*", "/b", "/a/*"], "paths[2]"),
            ((0...16).map { "M\($0)" }, nil, "methods"), (nil, many, "paths"),
        ]
        for (from, path) in [([], "from"), (["a", "b", "default/a"], "from[2]")] {
            let error = #expect(throws: MeshError.self) { try rule(from: from) }
            #expect(error?.path == path)
        }
        let tooMany = #expect(throws: MeshError.self) { try rule(from: (0...64).map { "a\($0)" }) }
        #expect(tooMany?.path == "from")
        for (methods, paths, path) in table {
            let error = #expect(throws: MeshError.self) { try rule(methods: methods, paths: paths) }
            #expect(error?.path == path)
        }
    }

    @Test func `allows nothing that is allowed without it`() throws {
        let denial = try rule(.deny, methods: ["DELETE"])
        #expect(try ServiceAccess(standard: .allow, rules: [denial]).rules.count == 1)
        let error = #expect(throws: MeshError.self) {
            try ServiceAccess(standard: .allow, rules: [denial, rule(methods: ["GET"])])
        }
        #expect(error?.path == "rules[1].allow")
    }

    @Test func `has a bound`() throws {
        let rules = Array(repeating: try rule(methods: ["GET"]), count: ServiceAccess.ruleLimit + 1)
        _ = try ServiceAccess(standard: .deny, rules: rules.dropLast())
        let error = #expect(throws: MeshError.self) {
            try ServiceAccess(standard: .deny, rules: rules)
        }
        #expect(error?.path == "rules")
    }

    @Test func `stays when a split changes, and is not for connections`() throws {
        let access = try ServiceAccess(standard: .deny)
        let versions = [try Version(name: "v1", endpoints: [])]
        let service = try Service(name: "a", access: access, versions: versions)
        #expect(try service.splitting(route: "default", by: ["v1": Weight(2)]).access == access)
        let error = #expect(throws: MeshError.self) {
            try Service(
                name: "a", application: .tcp, listen: EndpointAddress(parsing: "127.0.0.1:1"),
                access: access, versions: versions)
        }
        #expect(error?.path == "access")
    }
}
