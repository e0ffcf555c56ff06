import Bytes
import Mesh
import Testing

@testable import Routing

@Suite struct `A sticky key` {
    @Test func `is the hash of a field`() throws {
        let key = try key([HashPolicy(.header("X-User"))], Request("/", [("x-user", "foo")]))
        #expect(key.hash == 3_728_699_739_546_630_719)
        #expect(!key.needsCookie)
        #expect(try self.key([HashPolicy(.header("x-user"))], Request("/")).hash == nil)
    }

    @Test func `does not depend on the order of a field's values`() throws {
        let policies = [try HashPolicy(.header("x"))]
        let one = try key(policies, Request("/", [("x", "a"), ("x", "b")]))
        let two = try key(policies, Request("/", [("x", "b"), ("X", "a")]))
        #expect(one.hash == two.hash)
        #expect(one.hash != (try key(policies, Request("/", [("x", "a")])).hash))
    }

    @Test(arguments: [
        ("user=foo", true), ("a=b; user=foo; c=d", true), ("a=b;user=\"foo\"", true),
        (" user = foo ", true), ("user=foo; user=bar", true), ("xuser=foo", false),
        ("user", false), ("user=", false), ("User=foo", false), ("a=user=foo", false),
    ])
    func `is the hash of a cookie`(cookie: String, isFound: Bool) throws {
        let policies = [try HashPolicy(.cookie(.init(name: "user")))]
        let key = try key(policies, Request("/", [("Cookie", "z=1"), ("cookie", cookie)]))
        #expect(key.hash == (isFound ? 3_728_699_739_546_630_719 : nil))
        #expect(!key.needsCookie)
    }

    @Test func `is the hash of the client's address or a query parameter`() throws {
        let address = Array("foo".utf8)
        let bySource = try key([HashPolicy(.sourceAddress)], Request("/"), source: address)
        #expect(bySource.hash == 3_728_699_739_546_630_719)
        let byQuery = try key([HashPolicy(.queryParameter("u"))], Request("/?x=1&u=foo&u=bar"))
        #expect(byQuery.hash == 3_728_699_739_546_630_719)
        #expect(try key([HashPolicy(.queryParameter("v"))], Request("/?u=foo")).hash == nil)
    }

    @Test func `combines what its policies find, and stops at a terminal one`() throws {
        let foo: UInt64 = 3_728_699_739_546_630_719
        let bar: UInt64 = 5_234_164_152_756_840_025
        let request = Request("/", [("a", "foo"), ("b", "bar")])
        let both = [try HashPolicy(.header("a")), try HashPolicy(.header("b"))]
        #expect(try key(both, request).hash == (foo << 1 | foo >> 63) ^ bar)
        let twice = [try HashPolicy(.header("a")), try HashPolicy(.header("a"))]
        #expect(try key(twice, request).hash == (foo << 1 | foo >> 63) ^ foo)
        let terminal = [
            try HashPolicy(.header("a"), isTerminal: true), try HashPolicy(.header("b")),
        ]
        #expect(try key(terminal, request).hash == foo)
        #expect(try key(terminal, Request("/", [("b", "bar")])).hash == bar)
    }

    @Test(arguments: [
        (Duration.zero, "", "; Path=/; HttpOnly"),
        (.seconds(60), "/shop", "; Max-Age=60; Path=/shop; HttpOnly"),
    ])
    func `that is generated is the same when its cookie comes back`(
        timeToLive: Duration, path: String, attributes: String
    ) throws {
        let cookie = try HashPolicy.Cookie(name: "user", timeToLive: timeToLive, path: path)
        let table = try table([HashPolicy(.cookie(cookie))])
        let head = Request("/").makeHead()
        guard let route = table.match(head) else { throw MeshError("", "no match") }
        var first = table.stickyKey(of: route, head: head, source: Span(), freshID: 77)
        #expect(first.needsCookie)
        let value = text { table.appendCookie(of: route, key: &first, to: &$0) }
        #expect(!first.needsCookie)
        #expect(value.hasPrefix("user=") && value.hasSuffix(attributes))

        let pair = String(value.prefix { $0 != ";" })
        #expect(pair.utf8.count == "user=".utf8.count + 16)
        let next = Request("/", [("cookie", pair)]).makeHead()
        let second = table.stickyKey(of: route, head: next, source: Span(), freshID: 78)
        #expect(second.hash == first.hash)
        #expect(!second.needsCookie)
        #expect(
            table.destination(of: route, key: first) == table.destination(of: route, key: second))
    }

    @Test func `is not needed for an exact pick`() throws {
        let table = try table([HashPolicy(.header("x-user"))])
        let head = Request("/").makeHead()
        guard let route = table.match(head) else { throw MeshError("", "no match") }
        let key = table.stickyKey(of: route, head: head, source: Span(), freshID: 1)
        let count = (0..<100).count { _ in table.destination(of: route, key: key)?.cluster == 1 }
        #expect(count == 50)
    }

    private func table(_ policies: [HashPolicy]) throws -> RouteTable {
        let split = try clusters([("v1", 1), ("v2", 1)], isSticky: true)
        let action = try ForwardAction(destination: .weighted(split), hashPolicies: policies)
        return try makeTable([
            Route(match: RouteMatch(path: .prefix("/")), action: .forward(action))
        ])
    }

    private func key(
        _ policies: [HashPolicy], _ request: Request, source: [UInt8] = []
    ) throws -> StickyKey {
        let table = try table(policies)
        let head = request.makeHead()
        guard let route = table.match(head) else { return .none }
        return table.stickyKey(of: route, head: head, source: source.span, freshID: 1)
    }
}
