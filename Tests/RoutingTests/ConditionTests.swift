import Mesh
import Testing

@testable import Routing

@Suite struct `A condition` {
    typealias Fields = [(String, String)]

    @Test(
        arguments: [
            (.exact("b"), [("X-A", "b")], true), (.exact("b"), [("x-a", "B")], false),
            (.exact(""), [("x-a", "")], true), (.exact("b"), [], false), (.exact(""), [], false),
            (.prefix("b"), [("x-a", "bc")], true), (.prefix("bc"), [("x-a", "b")], false),
            (.suffix("c"), [("x-a", "bc")], true), (.suffix("abc"), [("x-a", "bc")], false),
            (.contains("bc"), [("x-a", "abcd")], true), (.contains("bd"), [("x-a", "abcd")], false),
            (.exact("b,c"), [("x-a", "b"), ("y", "z"), ("X-A", "c")], true),
            (.exact("b"), [("x-a", "b"), ("x-a", "c")], false),
            (.contains(","), [("x-a", ""), ("x-a", "")], true),
        ] as [(StringMatcher.Pattern, Fields, Bool)])
    func `on a field looks at all its values, joined`(
        pattern: StringMatcher.Pattern, fields: Fields, expected: Bool
    ) throws {
        let matcher = HeaderMatcher.Condition.string(try StringMatcher(pattern))
        #expect(try isMet(HeaderMatcher(name: "x-a", matcher), fields) == expected)
        // Inverted, it still does not hold for a field that is not there.
        let inverted = try HeaderMatcher(name: "X-A", matcher, isInverted: true)
        #expect(try isMet(inverted, fields) == (fields.isEmpty ? false : !expected))
    }

    @Test(
        arguments: [
            (.exact("AbC"), "aBc", true), (.prefix("AB"), "abc", true),
            (.suffix("BC"), "abc", true),
            (.contains("B"), "abc", true), (.exact("ab"), "abc", false),
            (.exact("a["), "a{", false),
        ] as [(StringMatcher.Pattern, String, Bool)])
    func `can ignore case`(pattern: StringMatcher.Pattern, value: String, expected: Bool) throws {
        let matcher = HeaderMatcher.Condition.string(
            try StringMatcher(pattern, ignoresCase: true))
        #expect(try isMet(HeaderMatcher(name: "x-a", matcher), [("x-a", value)]) == expected)
    }

    @Test(arguments: [
        ("-10", true), ("9", true), ("10", false), ("-11", false), ("+5", true), ("", false),
        ("5x", false), ("-", false), ("99999999999999999999", false), ("0005", true),
    ])
    func `can be a range of numbers`(value: String, expected: Bool) throws {
        let matcher = try HeaderMatcher(name: "x-a", .range(-10..<10))
        #expect(try isMet(matcher, [("x-a", value)]) == expected)
    }

    @Test(
        arguments: [
            ("9223372036854775807", Int64.max), ("-9223372036854775808", .min), ("-0", 0),
            ("9223372036854775808", nil), ("-9223372036854775809", nil), ("+", nil), (" 1", nil),
        ] as [(String, Int64?)])
    func `reads numbers of 64 bits`(text: String, number: Int64?) {
        let bytes = Array(text.utf8)
        #expect(bytes.span.decimal == number)
    }

    /// Wanted present, inverted, missing counts as empty, whether there; whether it is met.
    @Test(arguments: [
        (true, false, false, true, true), (true, false, false, false, false),
        (false, false, false, false, true), (false, false, false, true, false),
        (true, true, false, true, false), (true, true, false, false, true),
        (false, true, false, true, true), (true, false, true, false, true),
        (false, false, true, false, false),
    ])
    func `can be presence`(
        wanted: Bool, isInverted: Bool, treatsMissingAsEmpty: Bool, isThere: Bool, expected: Bool
    ) throws {
        let matcher = try HeaderMatcher(
            name: "x-a", .present(wanted), isInverted: isInverted,
            treatsMissingAsEmpty: treatsMissingAsEmpty)
        #expect(try isMet(matcher, isThere ? [("x-a", "")] : []) == expected)
    }

    @Test func `can take a missing field for an empty one`() throws {
        let empty = HeaderMatcher.Condition.string(try StringMatcher(regex: "^$"))
        #expect(try isMet(HeaderMatcher(name: "a", empty, treatsMissingAsEmpty: true), []))
        #expect(try !isMet(HeaderMatcher(name: "a", empty), []))
        let range = HeaderMatcher.Condition.range(0..<10)
        #expect(
            try isMet(
                HeaderMatcher(name: "a", range, isInverted: true, treatsMissingAsEmpty: true), []))
        #expect(try !isMet(HeaderMatcher(name: "a", range, isInverted: true), []))
    }

    @Test(arguments: [
        (":method", "POST", true), (":method", "GET", false), (":authority", "reviews", true),
        ("host", "reviews", true), (":path", "/a?b=c", true), (":path", "/a", false),
        (":scheme", "http", true), (":scheme", "https", false), (":status", "200", false),
    ])
    func `can be on a part of the request line`(name: String, value: String, expected: Bool) throws
    {
        let matcher = try HeaderMatcher(name: name, .string(try StringMatcher(.exact(value))))
        let table = try makeTable([
            try makeRoute("route", RouteMatch(path: .prefix("/"), headers: [matcher]))
        ])
        let request = Request("/a?b=c", method: "POST")
        #expect((table.name(for: request) != nil) == expected)
        if name == ":scheme" {
            #expect((table.name(for: request, isSecure: true) != nil) != expected)
        }
    }

    @Test(arguments: [
        ("/?a=b", true), ("/?x&a=b", true), ("/?a=c&a=b", false), ("/?a=b&a=c", true),
        ("/?a", false), ("/?a=", false), ("/?%61=b", false), ("/?A=b", false), ("/", false),
        ("/?a=b#x", true), ("/?ba=b", false), ("/?a=b=c", false), ("/??a=b", false),
        ("/?&&a=b&", true), ("/a=b", false),
    ])
    func `on a query parameter looks at the first one, as it was sent`(
        path: String, expected: Bool
    ) throws {
        let condition = QueryParameterMatcher.Condition.string(try StringMatcher(.exact("b")))
        #expect(try isMet(QueryParameterMatcher(name: "a", condition), path) == expected)
    }

    @Test(arguments: [("/?a", true), ("/?b&a=c", true), ("/?b=a", false), ("/a", false)])
    func `can be presence of a query parameter`(path: String, isThere: Bool) throws {
        #expect(try isMet(QueryParameterMatcher(name: "a"), path) == isThere)
        #expect(try isMet(QueryParameterMatcher(name: "a", .present(false)), path) != isThere)
    }

    @Test(arguments: [
        ("application/grpc", true), ("application/grpc+proto", true),
        ("application/grpc-web", false), ("application/json", false), ("application/grp", false),
    ])
    func `can be that the request is gRPC`(type: String, expected: Bool) throws {
        let table = try makeTable([
            try makeRoute("route", RouteMatch(path: .prefix("/"), isGRPC: true))
        ])
        #expect((table.name(for: Request("/", [("Content-Type", type)])) != nil) == expected)
        #expect(table.name(for: Request("/")) == nil)
    }

    @Test func `holds only together with all others`() throws {
        let table = try makeTable([
            try makeRoute(
                "route",
                RouteMatch(
                    path: .prefix("/"),
                    headers: [
                        try HeaderMatcher(name: "a", .present(true)),
                        try HeaderMatcher(name: "b", .present(true)),
                    ], queryParameters: [try QueryParameterMatcher(name: "c")]))
        ])
        #expect(table.name(for: Request("/?c", [("a", ""), ("b", "")])) == "route")
        #expect(table.name(for: Request("/?c", [("a", "")])) == nil)
        #expect(table.name(for: Request("/", [("a", ""), ("b", "")])) == nil)
    }

    private func isMet(_ matcher: HeaderMatcher, _ fields: Fields) throws -> Bool {
        let match = RouteMatch(path: .prefix("/"), headers: [matcher])
        return try makeTable([try makeRoute("route", match)]).name(for: Request("/", fields)) != nil
    }

    private func isMet(_ matcher: QueryParameterMatcher, _ path: String) throws -> Bool {
        let match = RouteMatch(path: .prefix("/"), queryParameters: [matcher])
        return try makeTable([try makeRoute("route", match)]).name(for: Request(path)) != nil
    }
}
