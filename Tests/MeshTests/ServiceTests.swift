import Mesh
import Testing

@Suite struct `A service` {
    private func version(_ name: String, _ endpoints: String...) throws -> Version {
        try Version(name: name, endpoints: endpoints.map { try EndpointAddress(parsing: $0) })
    }

    private func service(
        name: String = "reviews", _ routes: [ServiceRoute.Draft]
    ) throws -> Service {
        try Service(
            name: name, versions: [version("v2"), version("v1", "127.0.0.1:80")], routes: routes)
    }

    @Test(arguments: ["a", "a-b", "0", "x1", String(repeating: "a", count: 63)])
    func `is called by a DNS label`(name: String) throws {
        #expect(try service(name: name, [.init(weights: ["v1": Weight(1)])]).name == name)
    }

    @Test(arguments: ["", "-a", "a-", "A", "a.b", "a_b", "ä", String(repeating: "a", count: 64)])
    func `is not called by anything else`(name: String) {
        let error = #expect(throws: MeshError.self) {
            try service(name: name, [.init(weights: ["v1": Weight(1)])])
        }
        #expect(error?.path == "name")
    }

    @Test(arguments: [
        "127.0.0.1:80", "[::1]:65535", "[::]:1", "[2001:db8::1]:80", "[1:2:3:4:5:6:7:8]:9",
        "[1:2:3:4:5:6:7::]:9", "[::2:3:4:5:6:7:8]:9", "[fe80::1:2]:80", "255.255.255.255:443",
    ])
    func `has endpoints at addresses`(text: String) throws {
        #expect(try EndpointAddress(parsing: text).description == text)
    }

    @Test(arguments: [
        "", ":80", "127.0.0.1", "127.0.0.1:", "127.0.0.1:0", "127.0.0.1:65536", "127.0.0.1:+80",
        "127.0.0.1:8 0", "127.0.0.01:80", "127.0.0:80", "127.0.0.256:80", "localhost:80",
        "::1:80", "[::1]", "[]:80", "[:]:80", "[1:2]:80", "[:::]:80", "[1::2::3]:80",
        "[:1:2:3:4:5:6:7]:80", "[1:2:3:4:5:6:7:]:80", "[12345::]:80", "[g::]:80", "[::1%eth0]:80",
        "[1:2:3:4:5:6:7:8:9]:80", "[1:2:3:4:5:6:7:8::]:80", "[::127.0.0.1]:80",
    ])
    func `has endpoints nowhere else`(text: String) {
        #expect(throws: MeshError.self) { try EndpointAddress(parsing: text) }
    }

    @Test func `of one version needs no route`() throws {
        let service = try Service(name: "a", versions: [version("v1")])
        #expect(service.routes.map(\.name) == ["default"])
        #expect(service.routes[0].split.shares.map(\.partsPerMillion) == [1_000_000])
    }

    @Test func `names its routes by place`() throws {
        let beta = try RequestMatch(
            headers: [.init("X-Group", .string(StringMatcher(.exact("beta"))))])
        let weights = ["v1": Weight(1)]
        let service = try service([
            .init(match: beta, weights: weights),
            .init(name: "admin", match: beta, weights: weights),
            .init(weights: weights),
        ])
        #expect(service.routes.map(\.name) == ["route-1", "admin", "default"])
        #expect(service.routes[0].match.headers.map(\.name) == ["x-group"])
        #expect(service.routes[0].timeout == .seconds(15))
    }

    @Test func `refuses what would surprise, with the path of the field`() throws {
        let weights = ["v1": Weight(1)]
        let paths = try RequestMatch(path: .prefix("/a"))
        let table: [([ServiceRoute.Draft], String)] = [
            ([], "routes"),
            ([.init(weights: weights), .init(weights: weights)], "routes[1]"),
            (
                [
                    .init(name: "a", match: paths, weights: weights),
                    .init(name: "a", weights: weights),
                ],
                "routes[1].name"
            ),
            ([.init(name: "A", weights: weights)], "routes[0].name"),
            ([.init(weights: ["v9": Weight(1)])], "routes[0].split.v9"),
            ([.init(weights: ["v1": Weight(0)])], "routes[0].split"),
            ([.init(weights: weights, timeout: .zero)], "routes[0].timeout"),
            ([.init(weights: weights, timeout: .seconds(86_401))], "routes[0].timeout"),
        ]
        for (routes, path) in table {
            let error = #expect(throws: MeshError.self) { try service(routes) }
            #expect(error?.path == path)
        }
    }

    @Test func `changes one split and nothing else`() throws {
        let service = try service([.init(weights: ["v1": Weight(1)], stickiness: .sourceAddress)])
        let changed = try service.splitting(
            route: "default", by: ["v1": Weight(1), "v2": Weight(3)])
        #expect(changed.routes[0].split.shares.map(\.partsPerMillion) == [250_000, 750_000])
        #expect(changed.routes[0].stickiness == .sourceAddress)
        #expect(changed.versions == service.versions)

        let error = #expect(throws: MeshError.self) {
            try service.splitting(route: "default", by: ["v3": Weight(1)])
        }
        #expect(error?.path == "weights.v3")
        #expect(throws: MeshError.self) { try service.splitting(route: "x", by: [:]) }
    }

    @Test(arguments: ["api", "/a b", "/a?b", "/a#b", "/\u{7}"])
    func `matches paths that a request can have`(text: String) {
        #expect(throws: MeshError.self) { try RequestMatch(path: .exact(text)) }
        #expect(throws: MeshError.self) { try RequestMatch(path: .prefix(text)) }
    }

    @Test func `takes conditions only on names of their kind`() throws {
        let present = QueryParameterMatcher.Condition.present(true)
        #expect(throws: MeshError.self) { try RequestMatch(method: "GE T") }
        #expect(throws: MeshError.self) { try RequestMatch(headers: [.init("a b", present)]) }
        #expect(throws: MeshError.self) { try RequestMatch(cookies: [.init("a=b", present)]) }
        #expect(throws: MeshError.self) { try RequestMatch(query: [.init("", present)]) }
        #expect(throws: MeshError.self) {
            try RequestMatch(headers: [.init("a", present), .init("A", present)])
        }
        #expect(throws: MeshError.self) {
            try RequestMatch(headers: [.init("a", .string(StringMatcher(.exact("x\r\ny"))))])
        }
        #expect(throws: MeshError.self) { try Stickiness.cookie(named: "a;b") }
        #expect(throws: MeshError.self) { try Stickiness.header(named: "") }
        #expect(try Stickiness.header(named: "X-User") == .header("x-user"))
    }
}
