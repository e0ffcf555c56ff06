import Mesh
import Testing

@testable import Routing

@Suite struct `A path` {
    @Test(arguments: [
        ("/a", "/a", true), ("/a", "/ab?x", true), ("/a", "/b", false), ("/a?", "/a?x", false),
        ("", "/x", true), ("/", "/", true), ("/abc", "/ab", false), ("/a", "/A", false),
    ])
    func `matches by prefix`(prefix: String, path: String, expected: Bool) throws {
        #expect(try matches(RouteMatch(path: .prefix(prefix)), path) == expected)
    }

    @Test(arguments: [
        ("/a", "/a", true), ("/a", "/a?x=/a", true), ("/a", "/a/", false), ("/a", "/a#x", true),
        ("/a", "/", false), ("/A", "/a", false),
    ])
    func `matches as a whole`(text: String, path: String, expected: Bool) throws {
        #expect(try matches(RouteMatch(path: .exact(text)), path) == expected)
    }

    @Test(arguments: [
        ("/a", "/a", true), ("/a", "/a/b", true), ("/a", "/a?b", true), ("/a", "/ab", false),
        ("/a/b", "/a/b/", true), ("/a/b", "/a/bc/", false), ("/a", "/b/a", false),
    ])
    func `matches by whole segments`(prefix: String, path: String, expected: Bool) throws {
        let match = RouteMatch(path: try .separatedPrefix(parsing: prefix))
        #expect(try matches(match, path) == expected)
    }

    @Test(arguments: [
        ("/v[0-9]+/.*", "/v1/a?b", true), ("/v[0-9]+", "/v1/a", false),
        ("/v[0-9]+", "/v1?a", true), ("(?i)/A", "/a", true), ("/b", "/a/b", false),
    ])
    func `matches an expression as a whole`(
        pattern: String, path: String, expected: Bool
    ) throws {
        #expect(try matches(RouteMatch(path: try .regex(parsing: pattern)), path) == expected)
    }

    @Test(arguments: [
        (PathMatcher.prefix("/Abc"), "/aBCd", true), (.exact("/Abc"), "/abC", true),
        (.exact("/Abc"), "/abCd", false), (.prefix("/1"), "/12", true),
        (.exact("/a[b"), "/a{b", false),
    ])
    func `matches in either case`(matcher: PathMatcher, path: String, expected: Bool) throws {
        let match = RouteMatch(path: matcher, isCaseSensitive: false)
        #expect(try matches(match, path) == expected)
    }

    @Test func `takes the first route that matches, whatever kind it is`() throws {
        let table = try makeTable([
            try makeRoute(
                "beta",
                RouteMatch(
                    path: .prefix("/"),
                    headers: [
                        try HeaderMatcher(
                            name: "x-group", .string(try StringMatcher(.exact("beta"))))
                    ])),
            try makeRoute("expression", RouteMatch(path: try .regex(parsing: "/items/[0-9]+"))),
            try makeRoute("exact", RouteMatch(path: .exact("/items/7"))),
            try makeRoute("segments", RouteMatch(path: try .separatedPrefix(parsing: "/items"))),
            try makeRoute("late", RouteMatch(path: .exact("/items/x"))),
            try makeRoute("prefix", RouteMatch(path: .prefix("/item"))),
            try makeRoute("rest", RouteMatch(path: .prefix("/"))),
        ])
        for (path, name) in [
            ("/items/7", "expression"), ("/items/x", "segments"), ("/items", "segments"),
            ("/itemsx", "prefix"), ("/", "rest"),
        ] {
            #expect(table.name(for: Request(path)) == name)
            #expect(table.name(for: Request(path, [("X-Group", "beta")])) == "beta")
        }
        #expect(table.name(for: Request("*", method: "OPTIONS")) == nil)
    }

    private func matches(_ match: RouteMatch, _ path: String) throws -> Bool {
        try makeTable([try makeRoute("route", match)]).name(for: Request(path)) != nil
    }
}
