import Bytes
import HTTP
import Mesh
import Testing

@testable import Routing

@Suite struct `A rewrite` {
    @Test(arguments: [
        (PathMatcher.prefix("/api/"), "/", "/api/items?x=/api/", "/items?x=/api/"),
        (.prefix("/api"), "/v2", "/api/items", "/v2/items"),
        (.prefix("/api"), "/v2", "/api", "/v2"),
        (.exact("/old"), "/new", "/old?x=1", "/new?x=1"),
        (.prefix("/api/"), "v2/", "/api/items", "/v2/items"),
        (.prefix("/"), "/all/", "/items", "/all/items"),
    ])
    func `replaces what the route matched`(
        matcher: PathMatcher, prefix: String, path: String, expected: String
    ) throws {
        let action = try ForwardAction(destination: .cluster("a"), pathRewrite: .prefix(prefix))
        #expect(try rewritten(path, by: action, matcher) == expected)
    }

    @Test func `of a prefix of segments keeps the rest of them`() throws {
        let matcher = try PathMatcher.separatedPrefix(parsing: "/api")
        let action = try ForwardAction(destination: .cluster("a"), pathRewrite: .prefix("/v2"))
        for (path, expected) in [("/api", "/v2"), ("/api/x", "/v2/x"), ("/api?x", "/v2?x")] {
            #expect(try rewritten(path, by: action, matcher) == expected)
        }
    }

    @Test(arguments: [
        (
            "^/service/([^/]+)(/.*)$", "\\2/instance/\\1", "/service/foo/v1/api?a=b",
            "/v1/api/instance/foo?a=b"
        ),
        ("one", "two", "/xxx/one/yyy/one/zzz", "/xxx/two/yyy/two/zzz"),
        ("^(.*?)one(.*)$", "\\1two\\2", "/xxx/one/yyy/one", "/xxx/two/yyy/one"),
        ("/nothing", "/x", "/a?b", "/a?b"), ("^/a", "", "/a", "/"),
    ])
    func `by expression replaces every match in the path`(
        pattern: String, substitution: String, path: String, expected: String
    ) throws {
        let rewrite = try RegexRewrite(pattern: pattern, substitution: substitution)
        let action = try ForwardAction(destination: .cluster("a"), pathRewrite: .regex(rewrite))
        #expect(try rewritten(path, by: action, .prefix("/")) == expected)
    }

    @Test func `by expression must name groups that there are`() {
        #expect(throws: MeshError.self) { try RegexRewrite(pattern: "(a)", substitution: "\\2") }
    }

    @Test func `does nothing to a route without one`() throws {
        let action = try ForwardAction(destination: .cluster("a"))
        #expect(try rewritten("/a", by: action, .prefix("/")) == nil)
    }

    @Test(
        arguments: [
            (ForwardAction.HostRewrite.literal("upstream"), "upstream"),
            (.header("x-host"), "other"),
            (.header("x-none"), nil), (nil, nil),
        ] as [(ForwardAction.HostRewrite?, String?)])
    func `sets the authority`(rewrite: ForwardAction.HostRewrite?, expected: String?) throws {
        let action = try ForwardAction(destination: .cluster("a"), hostRewrite: rewrite)
        let table = try makeTable([
            Route(match: RouteMatch(path: .prefix("/")), action: .forward(action))
        ])
        let head = Request("/", [("X-Host", "other")]).makeHead()
        let route = try #require(table.match(head, .init()) as RouteNumber?)
        let destination = try #require(table.destination(of: route))
        var isRewritten = false
        let authority = text {
            isRewritten = table.appendRewrittenAuthority(
                of: route, destination: destination, head: head, to: &$0)
        }
        #expect((isRewritten ? authority : nil) == expected)
    }

    private func rewritten(
        _ path: String, by action: ForwardAction, _ matcher: PathMatcher
    ) throws -> String? {
        let table = try makeTable([
            Route(match: RouteMatch(path: matcher), action: .forward(action))
        ])
        let head = Request(path).makeHead()
        guard let route = table.match(head) else { return "no match" }
        var isRewritten = false
        let result = text {
            isRewritten = table.appendRewrittenPath(of: route, head: head, to: &$0)
        }
        return isRewritten ? result : nil
    }
}

@Suite struct `A redirect` {
    @Test(
        arguments: [
            (nil, nil, nil, nil, false, "http://reviews/a/b?c"),
            ("https", nil, nil, nil, false, "https://reviews/a/b?c"),
            (nil, "other", nil, nil, false, "http://other/a/b?c"),
            (nil, nil, 8080, nil, false, "http://reviews:8080/a/b?c"),
            (nil, "other", 8080, .replace("/x"), false, "http://other:8080/x?c"),
            (nil, nil, nil, .replace("/x?y"), true, "http://reviews/x?y"),
            (nil, nil, nil, .replace("x"), true, "http://reviews/x"),
            (nil, nil, nil, .prefix("/new"), false, "http://reviews/new/b?c"),
            (nil, nil, nil, .prefix("/new"), true, "http://reviews/new/b"),
            (nil, nil, nil, nil, true, "http://reviews/a/b"),
        ] as [(String?, String?, UInt16?, RedirectAction.Path?, Bool, String)])
    func `leads where it is told`(
        scheme: String?, host: String?, port: UInt16?, path: RedirectAction.Path?,
        stripsQuery: Bool, location: String
    ) throws {
        let action = try RedirectAction(
            scheme: scheme, host: host, port: port, path: path, stripsQuery: stripsQuery)
        #expect(try self.location(of: action, Request("/a/b?c")) == location)
    }

    @Test(arguments: [
        ("reviews:80", "https://reviews/a"), ("reviews:8080", "https://reviews:8080/a"),
        ("[::1]:80", "https://[::1]/a"), ("[::1]", "https://[::1]/a"),
    ])
    func `to another scheme leaves the old one's port out`(
        authority: String, location: String
    ) throws {
        let action = try RedirectAction(scheme: "https")
        #expect(try self.location(of: action, Request("/a", to: authority)) == location)
    }

    private func location(of action: RedirectAction, _ request: Request) throws -> String? {
        let table = try makeTable([
            Route(match: RouteMatch(path: .prefix("/a")), action: .redirect(action))
        ])
        let head = request.makeHead()
        guard let route = table.match(head) else { return nil }
        return text { table.appendLocation(of: route, head: head, to: &$0) }
    }
}

@Suite struct `Mutations of fields` {
    @Test func `are done from the entry up to the configuration, removals first`() throws {
        let expected = "b: 2\na: keep\na: entry\na: route\na: host\na: all\n"
        #expect(try mutated(isReversed: false) == expected)
    }

    @Test func `can be done in the other order`() throws {
        #expect(
            try mutated(isReversed: true) == "b: 2\na: keep\na: all\na: host\na: route\na: entry\n")
    }

    @Test(arguments: [
        (HeaderMutations.Addition.Action.append, "a: 1\nA: 2\na: new\n", "a: new\n"),
        (.addIfAbsent, "a: 1\nA: 2\n", "a: new\n"), (.overwrite, "a: new\n", "a: new\n"),
        (.overwriteIfExists, "a: new\n", ""),
    ])
    func `add as they are told`(
        action: HeaderMutations.Addition.Action, present: String, absent: String
    ) throws {
        let mutations = try HeaderMutations(
            add: [
                .init(name: "a", value: "new", action: action), .init(name: "e", value: ""),
            ])
        let route = Route(
            match: RouteMatch(path: .prefix("/")),
            action: .directResponse(try DirectResponseAction(status: 200)),
            responseHeaders: mutations)
        let table = try makeTable([route])
        for (fields, expected) in [([("a", "1"), ("A", "2")], present), ([], absent)] {
            let head = Request("/").makeHead()
            let number = table.match(head)
            var answer = Request("/", fields).makeHead()
            if let number { table.mutateResponse(&answer.fields, of: number, destination: nil) }
            #expect(answer.fields.text == expected)
        }
    }

    @Test(arguments: ["100%%", "%%", "a%%b%%c"])
    func `take a doubled percent sign for one`(value: String) throws {
        let addition = try HeaderMutations.Addition(name: "a", value: value)
        #expect(
            addition.value
                == value.split(separator: "%%", omittingEmptySubsequences: false)
                .joined(separator: "%"))
    }

    @Test(arguments: ["%REQ(x)%", "%", "a\nb"])
    func `refuse what they would not do`(value: String) {
        #expect(throws: MeshError.self) { try HeaderMutations.Addition(name: "a", value: value) }
    }

    @Test(arguments: ["host", "Host", ":path", "", "a b", "Content-Length", "connection"])
    func `refuse names that belong to the proxy`(name: String) {
        #expect(throws: MeshError.self) { try HeaderMutations.Addition(name: name, value: "a") }
        #expect(throws: MeshError.self) { try HeaderMutations(add: [], remove: [name]) }
    }

    private func mutated(isReversed: Bool) throws -> String {
        func add(_ value: String, remove: [String] = []) throws -> HeaderMutations {
            try HeaderMutations(add: [.init(name: "a", value: value)], remove: remove)
        }
        let entry = try WeightedClusters.Entry(
            name: "v1", weight: 1, requestHeaders: try add("entry", remove: ["X-Gone"]))
        let route = Route(
            match: RouteMatch(path: .prefix("/")),
            action: .forward(
                try ForwardAction(destination: .weighted(try WeightedClusters(entries: [entry])))),
            requestHeaders: try add("route"))
        let host = try VirtualHost(
            name: "all", domains: [.any], routes: [route], requestHeaders: try add("host"))
        let configuration = try RouteConfiguration(
            name: "r", virtualHosts: [host], requestHeaders: try add("all"),
            mostSpecificHeaderMutationsWin: isReversed)
        let table = try RouteTable.compile(configuration, seed: 1).table
        var head = Request("/", [("x-gone", "1"), ("b", "2"), ("a", "keep"), ("X-GONE", "3")])
            .makeHead()
        guard let number = table.match(head), let destination = table.destination(of: number)
        else { return "no match" }
        table.mutateRequest(&head.fields, of: number, destination: destination)
        return head.fields.text
    }
}

extension Fields {
    var text: String {
        indices.map { "\(String(name(at: $0))): \(String(value(at: $0)))\n" }.joined()
    }
}
