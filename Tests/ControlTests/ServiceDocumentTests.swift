import Foundation
import Mesh
import Testing

@testable import Control

@Suite struct `A service document` {
    private func service(_ text: String) throws -> Service {
        try decodeDocument(ServiceDocument.self, from: Array(text.utf8)).service(named: "reviews")
    }

    private func document(match: String = "{}", route: String = "") -> String {
        let split = route.contains(#""split""#) ? "" : #", "split": {"v1": 1}"#
        return #"""
            {"versions": {"v1": {"endpoints": []}},
             "routes": [{"match": \#(match)\#(split)\#(route)}]}
            """#
    }

    @Test func `is the example of the design`() throws {
        let service = try service(reviews)
        #expect(service.versions.map(\.name) == ["v1", "v2"])
        #expect(service.routes.map(\.name) == ["beta", "default"])
        #expect(service.routes[1].split.shares.map(\.partsPerMillion) == [950_000, 50_000])
        #expect(service.routes[1].stickiness == .cookie("user"))
    }

    @Test(arguments: [
        #"{}"#, #"{"path": "/x"}"#, #"{"path": {"prefix": "/x"}}"#, #"{"path": {"regex": "/x.*"}}"#,
        #"{"method": "GET"}"#, #"{"headers": {"x": "y"}}"#, #"{"headers": {"x": {"prefix": "y"}}}"#,
        #"{"query": {"x": {"suffix": "y"}, "z": {"contains": "y"}}}"#,
        #"{"cookies": {"x": {"regex": "y+"}, "z": {"present": false}}}"#,
    ])
    func `reads what it writes`(match: String) throws {
        for route in [
            "", #", "sticky": {"header": "x-user"}"#, #", "sticky": {"query": "u"}"#,
            #", "sticky": {"sourceAddress": true}"#, #", "timeout": "none""#,
            #", "timeout": "250ms""#, #", "timeout": "2m""#, #", "name": "canary""#,
        ] {
            let first = try service(document(match: match, route: route))
            let written = try encodeJSON(ServiceDocument(first, revision: 7))
            #expect(try service(String(decoding: written, as: UTF8.self)) == first)
        }
    }

    @Test func `has an address where nothing is known of what is spoken`() throws {
        let service = try service(database)
        #expect(service.listen?.description == "127.0.0.1:5432")
        let written = try encodeJSON(ServiceDocument(service, revision: 7))
        let text = String(decoding: written, as: UTF8.self)
        #expect(!text.contains("timeout"))
        #expect(try self.service(text) == service)
        #expect(try service.splitting(route: "default", by: ["v2": Weight(1)]).listen != nil)
    }

    @Test(arguments: [
        (#"{"match": {"path": "/"}, "split": {"v1": 1}}"#, "routes[0].match"),
        (#"{"sticky": {"sourceAddress": true}, "split": {"v1": 1}}"#, "routes[0].sticky"),
        (#"{"timeout": "1s", "split": {"v1": 1}}"#, "routes[0].timeout"),
    ])
    func `has no conditions of requests for connections`(route: String, path: String) {
        let text = """
            {"protocol": "tcp", "listen": "[::1]:1", "versions": {"v1": {"endpoints": []}},
             "routes": [\(route)]}
            """
        let error = #expect(throws: MeshError.self) { try service(text) }
        #expect(error?.path == path)
    }

    @Test func `keeps a decimal weight exactly`() throws {
        let service = try service(
            """
            {"versions": {"a": {"endpoints": []}, "b": {"endpoints": []}, "c": {"endpoints": []}},
             "routes": [{"split": {"a": 33.3333, "b": 33.3333, "c": 33.3334}}]}
            """)
        #expect(
            service.routes[0].split.shares.map(\.partsPerMillion) == [333_333, 333_333, 333_334])
        let written = try encodeJSON(ServiceDocument(service, revision: nil))
        #expect(String(decoding: written, as: UTF8.self).contains(#""c":33.3334"#))
    }

    @Test(arguments: [
        ("", ""), ("{", ""), ("nil", ""), ("{} {}", ""), ("\u{0}", ""), ("[1,", ""),
        ("[]", ""), ("7", ""), (#""x""#, ""), ("null", ""), ("{}", "versions"),
        (#"{"versions": []}"#, "versions"), (#"{"versions": {"v1": 1}}"#, "versions.v1"),
        (#"{"versions": {"v1": {}}}"#, "versions.v1.endpoints"),
        (#"{"versions": {"v1": {"endpoints": [1]}}}"#, "versions.v1.endpoints[0]"),
        (#"{"versions": {"v1": {"endpoints": [null]}}}"#, "versions.v1.endpoints[0]"),
        (#"{"versions": {"v1": {"endpoints": []}}, "routs": []}"#, "routs"),
        (#"{"versions": {"v1": {"endpoints": [], "weight": 1}}}"#, "versions.v1.weight"),
        (#"{"versions": {"v1": {"endpoints": []}}, "name": null}"#, "name"),
        (#"{"versions": {"v1": {"endpoints": []}}, "revision": -1}"#, "revision"),
        (#"{"versions": {"v1": {"endpoints": []}}, "revision": 1.5}"#, "revision"),
    ])
    func `of another shape is refused with the path`(text: String, path: String) {
        #expect(refusedPaths(text) == [path])
    }

    @Test(arguments: [
        (#"{"path": {}}"#, "", "routes[0].match.path"),
        (#"{"path": {"exact": "/", "prefix": "/"}}"#, "", "routes[0].match.path"),
        (#"{"path": {"suffix": "/"}}"#, "", "routes[0].match.path.suffix"),
        (#"{"headers": {"x": {"exact": 1}}}"#, "", "routes[0].match.headers.x.exact"),
        (#"{"headers": {"x": 1}}"#, "", "routes[0].match.headers.x"),
        ("{}", #", "split": {"v1": "5"}"#, "routes[0].split.v1"),
        ("{}", #", "sticky": {"sourceAddress": false}"#, "routes[0].sticky.sourceAddress"),
        ("{}", #", "sticky": {}"#, "routes[0].sticky"),
        ("{}", #", "timeout": 5"#, "routes[0].timeout"),
    ])
    func `has its choices checked`(match: String, route: String, path: String) {
        #expect(refusedPaths(document(match: match, route: route)) == [path])
    }

    private func refusedPaths(_ text: String) -> [String]? {
        do {
            _ = try decodeDocument(ServiceDocument.self, from: Array(text.utf8))
            return nil
        } catch {
            switch error {
            case .malformed(let error): return [error.path]
            case .wrongShape(let errors): return errors.map(\.path)
            }
        }
    }

    @Test(arguments: [
        (#"{"versions": {}}"#, "versions"),
        (#"{"name": "ratings", "versions": {"v1": {"endpoints": []}}}"#, "name"),
        (#"{"protocol": "tcp", "versions": {"v1": {"endpoints": []}}}"#, "listen"),
        (#"{"listen": "127.0.0.1:1", "versions": {"v1": {"endpoints": []}}}"#, "listen"),
        (
            #"{"protocol": "tcp", "listen": "db:1", "versions": {"v1": {"endpoints": []}}}"#,
            "listen"
        ),
        (#"{"protocol": "ftp", "versions": {"v1": {"endpoints": []}}}"#, "protocol"),
        (#"{"versions": {"V1": {"endpoints": []}}}"#, "versions.V1"),
        (#"{"versions": {"v1": {"endpoints": ["x:1"]}}}"#, "versions.v1.endpoints[0]"),
        (#"{"versions": {"v1": {"endpoints": []}}, "routes": []}"#, "routes"),
    ])
    func `with another meaning is refused with the path`(text: String, path: String) {
        let error = #expect(throws: MeshError.self) { try service(text) }
        #expect(error?.path == path)
    }

    @Test(arguments: [
        (#"{"path": "x"}"#, "", "routes[0].match.path"),
        (#"{"path": {"regex": "("}}"#, "", "routes[0].match.path.regex"),
        (#"{"headers": {"x": {"regex": "("}}}"#, "", "routes[0].match.headers.x.safe_regex"),
        (#"{"headers": {"a b": "x"}}"#, "", "routes[0].match.headers.a b"),
        ("{}", #", "timeout": "soon""#, "routes[0].timeout"),
        ("{}", #", "timeout": "0s""#, "routes[0].timeout"),
        ("{}", #", "sticky": {"cookie": "a;b"}"#, "routes[0].sticky.cookie"),
        ("{}", #", "split": {"v1": -1}"#, "routes[0].split.v1"),
        ("{}", #", "split": {"v1": 0}"#, "routes[0].split"),
        ("{}", #", "split": {"v1": 1e30}"#, "routes[0].split.v1"),
        ("{}", #", "split": {"v2": 1}"#, "routes[0].split.v2"),
    ])
    func `names what is wrong in a route`(match: String, route: String, path: String) {
        let error = #expect(throws: MeshError.self) {
            try service(document(match: match, route: route))
        }
        #expect(error?.path == path)
    }

    @Test(
        arguments: [
            (#"{"a": 1, "a": 2}"#, "a"), (#"{"a": {"b": [1, {"c": 1, "c": 2}]}}"#, "a.b[1].c"),
            (#"{"a": [1, 5e-324]}"#, "a[1]"), (#"{"a": 1E+101}"#, "a"),
            (#"{"a": 1e99999999999999999999}"#, "a"),
            (#"{"a": -1.5e10, "b": 1-2}"#, nil), (#"{"a": [1, 2,]}"#, "a[2]"), (#"{"a": 1,}"#, "a"),
            (#"{"a": {"a": "a"}, "b": ["a", "a"], "c\"": "\"", "c": ","}"#, nil),
            (#"{"a": ",}", "b": "{,]"}"#, nil), (#""\"#, nil), ("]]", nil), ("", nil),
            (#"{"a": 1, "\u0061": 2}"#, "a"), (#"{"é": 1, "e\u0301": 2}"#, "e\u{301}"),
            (#"{"\n": 1, "\u000A": 2}"#, "\n"), (#"{"\x": 1, "\x": 2}"#, #"\x"#),
            ("{\u{0}}\u{0}", ""), ("\u{FEFF}{}", ""), ("{\u{0B}}", ""),
        ] as [(String, String?)])
    func `can be read in one way only`(text: String, path: String?) {
        #expect(DocumentShape.fault(in: Array(text.utf8))?.path == path)
    }

    @Test(arguments: [("[", 33), ("[", 100_000), (#"{"a":"#, 33), (#"{"a":"#, 100_000)])
    func `may not be nested deeply`(open: String, count: Int) {
        let text = String(repeating: open, count: count)
        #expect(throws: DocumentError.self) {
            try decodeDocument(ServiceDocument.self, from: Array(text.utf8))
        }
    }
}
