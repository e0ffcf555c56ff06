import Mesh
import Testing

@testable import Routing

@Suite struct `A virtual host` {
    private static let domains = [
        "exact": ["reviews", "reviews:80", "www.example.org"],
        "short suffix": ["*.example.org"], "long suffix": ["*.b.example.org"],
        "dash": ["*-bar.example.org"],
        "short prefix": ["example.*"], "long prefix": ["example.long.*"], "rest": ["*"],
    ]

    @Test(arguments: [
        ("reviews", "exact"), ("REVIEWS", "exact"), ("reviews:80", "exact"),
        ("reviews:81", "rest"), ("www.example.org", "exact"), ("a.example.org", "short suffix"),
        ("WWW.Example.Org:80", "rest"), ("a.b.example.org", "long suffix"),
        ("foo-bar.example.org", "dash"), ("-bar.example.org", "short suffix"),
        (".example.org", "rest"), ("example.org", "long or short"), ("example.", "rest"),
        ("example.long.org", "long prefix"), ("Example.com:8080", "short prefix"), ("", "rest"),
    ])
    func `is found by domain: exact, longest suffix, longest prefix, any`(
        authority: String, name: String
    ) throws {
        let expected = name == "long or short" ? "short prefix" : name
        #expect(try Self.table().name(for: Request("/", to: authority)) == expected)
    }

    @Test(arguments: [
        ("reviews:81", "exact"), ("a.example.org:8080", "short suffix"), ("[::1]:80", "rest"),
    ])
    func `is found without a port when the configuration says so`(
        authority: String, expected: String
    ) throws {
        let table = try Self.table(ignoringPort: true)
        #expect(table.name(for: Request("/", to: authority)) == expected)
    }

    @Test func `does not answer for an authority that no domain matches`() throws {
        let table = try makeTable(
            [try makeRoute("all", RouteMatch(path: .prefix("/")))], domains: ["reviews"])
        #expect(table.name(for: Request("/", to: "reviews")) == "all")
        #expect(table.name(for: Request("/", to: "ratings")) == nil)
        #expect(table.name(for: Request("/", to: "")) == nil)
    }

    @Test func `keeps brackets of an address when it drops a port`() throws {
        let table = try makeTable(
            [try makeRoute("all", RouteMatch(path: .prefix("/")))], domains: ["[::1]"],
            ignoringPort: true)
        for authority in ["[::1]", "[::1]:80", "[::1]:"] {
            #expect(table.name(for: Request("/", to: authority)) == "all")
        }
    }

    private static func table(ignoringPort: Bool = false) throws -> RouteTable {
        let hosts = try domains.sorted { $0.key < $1.key }.map { name, domains in
            try VirtualHost(
                name: name, domains: try domains.map { try DomainPattern(parsing: $0) },
                routes: [try makeRoute(name, RouteMatch(path: .prefix("/")))])
        }
        let configuration = try RouteConfiguration(
            name: "outbound", virtualHosts: hosts, ignoresPortInHostMatching: ignoringPort)
        return try RouteTable.compile(configuration, seed: 1).table
    }
}
