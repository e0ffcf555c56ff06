import Bytes
import HTTP
import Mesh
import Testing

@testable import Routing

@Suite struct `Rules of access` {
    private let workload = Caller.Names(
        uris: ["spiffe://mesh/ns/default/sa/a"], hosts: ["a.mesh"], subject: "CN=a,O=Example")

    private func verdict(
        _ action: AccessRules.Action, _ permission: Permission = .any,
        _ principal: Principal = .any,
        on request: Request = Request("/"), names: Caller.Names? = nil,
        address: String = "10.1.2.3", port: UInt16 = 8080
    ) throws -> Bool {
        let policy = try AccessPolicy(
            name: "policy", permissions: [permission], principals: [principal])
        let table = AccessTable(try AccessRules(action, [policy]))
        let caller = Caller(names: names, address: AddressBits(parsing: address), port: port)
        return table.verdict(on: request.makeHead(), from: caller).isAllowed
    }

    @Test func `let nobody through, or everybody, where there is no policy`() throws {
        let caller = Caller(names: nil, address: nil, port: 0)
        let head = Request("/").makeHead()
        #expect(!AccessTable(try AccessRules(.allow, [])).verdict(on: head, from: caller).isAllowed)
        #expect(AccessTable(try AccessRules(.deny, [])).verdict(on: head, from: caller).isAllowed)
    }

    @Test func `name the first policy that matches, by their names`() throws {
        func policy(_ name: String, _ path: String) throws -> AccessPolicy {
            try AccessPolicy(
                name: name, permissions: [.path(try StringMatcher(.prefix(path)))],
                principals: [.any])
        }
        let table = AccessTable(
            try AccessRules(.deny, [policy("c", "/"), policy("b b", "/b"), policy("a", "/a")]))
        let caller = Caller(names: nil, address: nil, port: 0)
        for (path, name) in [("/a", "a"), ("/b", "b_b"), ("/", "c"), ("*", "none")] {
            let verdict = table.verdict(on: Request(path).makeHead(), from: caller)
            #expect(verdict.isAllowed == (name == "none"))
            #expect(text { table.appendPolicy(of: verdict, to: &$0) } == name)
        }
    }

    @Test(
        arguments: [
            (.exact("/a"), "/a", true), (.exact("/a"), "/a?b=/c", true),
            (.exact("/a"), "/a#b", true), (.exact("/a"), "/a/", false),
            (.prefix("/a"), "//a", false),
            (.prefix("/a"), "/x/../a", false), (.prefix("/a"), "/%61", false),
            (.prefix("/a/"), "/a%2fb", false), (.suffix("b"), "/?b", false),
            (.contains("?"), "/?b", false),
        ] as [(StringMatcher.Pattern, String, Bool)])
    func `look at the path as it came, without its query`(
        pattern: StringMatcher.Pattern, path: String, expected: Bool
    ) throws {
        let matcher = try StringMatcher(pattern)
        let request = Request(path)
        #expect(try verdict(.allow, .path(matcher), on: request) == expected)
        #expect(try verdict(.deny, .path(matcher), on: request) != expected)
        #expect(try verdict(.allow, .any, .path(matcher), on: request) == expected)
    }

    @Test func `take no path for one`() throws {
        let matcher = try StringMatcher(regex: ".*")
        #expect(try !verdict(.allow, .path(matcher), on: Request("", method: "CONNECT")))
    }

    @Test(
        arguments: [
            ([], false, false), (["a"], true, false), (["b"], false, true),
            (["a", "b"], true, false), (["b", "a"], true, false), (["b", "c"], false, true),
            (["a,b"], false, true), ([""], false, true), (["b", "a", "c"], true, false),
        ] as [([String], Bool, Bool)])
    func `look at each value of a field on its own`(
        values: [String], holds: Bool, invertedHolds: Bool
    ) throws {
        let request = Request("/", values.map { ("X-A", $0) } + [("x-b", "a")])
        let condition = HeaderMatcher.Condition.string(try StringMatcher(.exact("a")))
        let matcher = try HeaderMatcher(name: "x-a", condition)
        #expect(try verdict(.allow, .header(matcher), on: request) == holds)
        #expect(try verdict(.deny, .any, .header(matcher), on: request) != holds)
        let inverted = try HeaderMatcher(name: "x-a", condition, isInverted: true)
        #expect(try verdict(.allow, .header(inverted), on: request) == invertedHolds)
        let present = try HeaderMatcher(name: "x-a", .present(true))
        #expect(try verdict(.allow, .header(present), on: request) == !values.isEmpty)
        let absent = try HeaderMatcher(name: "x-a", .present(false))
        #expect(try verdict(.allow, .header(absent), on: request) == values.isEmpty)
        let lenient = try HeaderMatcher(
            name: "x-a", condition, isInverted: true, treatsMissingAsEmpty: true)
        #expect(
            try verdict(.allow, .header(lenient), on: request) == (invertedHolds || values.isEmpty))
    }

    @Test func `do not look at a field that is not forwarded`() throws {
        var head = Request("/", [("x-a", "a"), ("x-a", "b"), ("te", "c")]).makeHead()
        head.fields.markHopByHop(at: 0)
        let caller = Caller(names: nil, address: nil, port: 0)
        for (name, value, expected) in [("x-a", "a", false), ("x-a", "b", true), ("te", "c", true)]
        {
            let matcher = try HeaderMatcher(
                name: name, .string(try StringMatcher(.exact(value))))
            let policy = try AccessPolicy(
                name: "", permissions: [.header(matcher)], principals: [.any])
            let table = AccessTable(try AccessRules(.allow, [policy]))
            #expect(table.verdict(on: head, from: caller).isAllowed == expected)
        }
    }

    @Test(arguments: [
        (":method", "POST", true), (":method", "post", false), (":authority", "b", true),
        ("host", "b", true), (":path", "/x?y", true), (":path", "/x", false),
        (":scheme", "https", true), (":status", "200", false),
    ])
    func `look at what is no field as if it were one`(
        name: String, value: String, expected: Bool
    ) throws {
        let matcher = try HeaderMatcher(name: name, .string(try StringMatcher(.exact(value))))
        let request = Request("/x?y", to: "b", method: "POST")
        #expect(
            try verdict(.allow, .header(matcher), on: request, names: workload) == expected)
    }

    @Test(
        arguments: [
            (.exact("spiffe://mesh/ns/default/sa/a"), true), (.exact("a.mesh"), true),
            (.exact("CN=a,O=Example"), true), (.prefix("spiffe://mesh/ns/default/"), true),
            (.exact("spiffe://mesh/ns/default/sa/A"), false), (.exact("a"), false),
            (.exact(""), false), (.suffix("/sa/b"), false),
        ] as [(StringMatcher.Pattern, Bool)])
    func `know a caller by any name of its certificate`(
        pattern: StringMatcher.Pattern, expected: Bool
    ) throws {
        let principal = Principal.authenticated(try StringMatcher(pattern))
        #expect(try verdict(.allow, .any, principal, names: workload) == expected)
        #expect(try verdict(.deny, .any, principal, names: workload) != expected)
        // Where nothing is certain, nobody has a name.
        #expect(try !verdict(.allow, .any, principal, names: nil))
        #expect(try verdict(.allow, .any, .not(principal), names: nil))
    }

    @Test func `know a caller without a certificate by nothing`() throws {
        #expect(try !verdict(.allow, .any, .authenticated(nil), names: nil))
        #expect(try verdict(.allow, .any, .authenticated(nil), names: Caller.Names.none))
        let something = Principal.authenticated(try StringMatcher(regex: ".+"))
        #expect(try !verdict(.allow, .any, something, names: Caller.Names.none))
        #expect(try verdict(.allow, .any, something, names: workload))
    }

    @Test(
        arguments: [
            ("10.1.0.0", 16, "10.1.2.3", true), ("10.1.0.0", 16, "10.2.2.3", false),
            ("10.1.2.3", 32, "10.1.2.3", true), ("10.1.2.3", 32, "10.1.2.2", false),
            ("0.0.0.0", 0, "255.1.2.3", true), ("0.0.0.0", 0, "::1", false),
            ("::", 0, "2001:db8::1", true), ("::", 0, "10.1.2.3", false),
            ("10.1.0.0", 16, "::ffff:10.1.2.3", true), ("::ffff:10.1.0.0", 112, "10.1.9.9", true),
            ("2001:db8::", 32, "2001:db8:ffff::1", true), ("2001:db8::", 32, "2001:db9::1", false),
            ("2001:db8::8", 125, "2001:db8::f", true), ("2001:db8::8", 125, "2001:db8::10", false),
            ("::1", 128, "::1", true), ("fe80::1:0:0:0:2", 64, "fe80:0:0:1::9", true),
            ("1:2:3:4:5:6:7:8", 128, "1:2:3:4:5:6:7:8", true),
        ] as [(String, UInt32, String, Bool)])
    func `know a caller by its address`(
        range: String, length: UInt32, address: String, expected: Bool
    ) throws {
        let principal = Principal.address(
            try AddressRange(address: range, prefixLength: length))
        #expect(try verdict(.allow, .any, principal, address: address) == expected)
        #expect(try !verdict(.allow, .any, principal, address: "nowhere"))
    }

    @Test func `combine what they are made of`() throws {
        let a = Permission.path(try StringMatcher(.prefix("/a")))
        let b = Permission.path(try StringMatcher(.suffix("/b")))
        for (path, inA, inB) in [("/", false, false), ("/a", true, false), ("/a/b", true, true)] {
            let request = Request(path)
            #expect(try verdict(.allow, .all([a, b]), on: request) == (inA && inB))
            #expect(try verdict(.allow, .either([a, b]), on: request) == (inA || inB))
            #expect(try verdict(.allow, .not(.all([a, .not(b)])), on: request) == !(inA && !inB))
            let nested = Permission.either([.all([a, .either([b, b]), .any]), .not(a)])
            #expect(try verdict(.allow, nested, on: request) == (inA && inB || !inA))
        }
        #expect(try verdict(.allow, .any, .all([.any, .either([.not(.any), .any])])))
        #expect(try !verdict(.allow, .any, .all([.any, .not(.any)])))
    }

    @Test func `know the port that a caller has connected to`() throws {
        #expect(try verdict(.allow, .destinationPorts(8080..<8081)))
        #expect(try !verdict(.allow, .destinationPorts(8081..<9000)))
        #expect(try verdict(.allow, .destinationPorts(0..<65536), port: 65535))
    }

    @Test func `need both a permission and a principal`() throws {
        #expect(try !verdict(.allow, .any, .not(.any)))
        #expect(try !verdict(.allow, .not(.any), .any))
    }
}
