import Mesh
import Testing

@Suite struct `A route configuration` {
    @Test(arguments: [
        ("Reviews", DomainPattern.exact("reviews")), ("reviews:80", .exact("reviews:80")),
        ("*.example.ORG", .suffix(".example.org")), ("*-a.example", .suffix("-a.example")),
        ("example.*", .prefix("example.")), ("*", .any), ("[::1]:80", .exact("[::1]:80")),
    ])
    func `reads domains`(text: String, pattern: DomainPattern) throws {
        #expect(try DomainPattern(parsing: text) == pattern)
        #expect(pattern.description == text.lowercased())
    }

    @Test(arguments: ["", "a*b", "*a*", "**", "a\r\nb"])
    func `refuses domains that mean nothing`(text: String) {
        #expect(throws: MeshError.self) { try DomainPattern(parsing: text) }
    }

    @Test func `refuses a domain that two hosts share`() throws {
        let one = try VirtualHost(name: "one", domains: [.exact("a"), .any], routes: [])
        let two = try VirtualHost(name: "two", domains: [.exact("b"), .any], routes: [])
        let error = MeshError(
            "virtual_hosts[1].domains[1]", "\"*\" belongs to virtual host \"one\" already")
        #expect(throws: error) { try RouteConfiguration(name: "r", virtualHosts: [one, two]) }
    }

    @Test func `refuses two hosts of one name`() throws {
        let one = try VirtualHost(name: "one", domains: [.exact("a")], routes: [])
        let two = try VirtualHost(name: "one", domains: [.exact("b")], routes: [])
        #expect(throws: MeshError("virtual_hosts[1].name", "\"one\" is used twice")) {
            try RouteConfiguration(name: "r", virtualHosts: [one, two])
        }
    }

    @Test func `is equal when nothing changed`() throws {
        func make(weight: UInt32) throws -> RouteConfiguration {
            let split = try WeightedClusters(entries: [
                .init(name: "a/v1", weight: 95), .init(name: "a/v2", weight: weight),
            ])
            let route = Route(
                match: RouteMatch(path: try .regex(parsing: "/v[12]/.*")),
                action: .forward(try ForwardAction(destination: .weighted(split))))
            let host = try VirtualHost(name: "a", domains: [.any], routes: [route])
            return try RouteConfiguration(name: "outbound", virtualHosts: [host])
        }
        #expect(try make(weight: 5) == make(weight: 5))
        #expect(try make(weight: 5) != make(weight: 6))
    }

    @Test(arguments: [
        ([UInt32](), "must not be empty"), ([0, 0], "the weights sum to zero"),
        ([.max, 1], "the weights sum to more than 4294967295"),
    ])
    func `refuses weights that make no split`(weights: [UInt32], reason: String) throws {
        let entries = try weights.map { try WeightedClusters.Entry(name: "a", weight: $0) }
        #expect(throws: MeshError("clusters", reason)) { try WeightedClusters(entries: entries) }
    }

    @Test func `says where a wrong expression stands`() {
        let error = #expect(throws: MeshError.self) {
            try MeshError.at("routes[3].match") { () throws(MeshError) in
                try PathMatcher.regex(parsing: "(")
            }
        }
        #expect(error?.path == "routes[3].match.safe_regex")
    }
}
