import Mesh
import Testing

@testable import Control

@Suite struct `A document about access` {
    private func service(_ access: String) throws -> Service {
        let text = """
            {"tls": "strict", "access": \(access), "versions": {"v1": {"endpoints": []}}}
            """
        return try decodeDocument(ServiceDocument.self, from: Array(text.utf8))
            .service(named: "reviews")
    }

    @Test(arguments: [
        #"{"default": "allow"}"#, #"{"default": "deny"}"#, #"{"default": "deny", "dryRun": true}"#,
        #"{"default": "deny", "rules": [{"allow": {"methods": ["GET", "HEAD"]}}]}"#,
        #"{"default": "allow", "rules": [{"deny": {"paths": ["/admin", "/admin/*"]}}]}"#,
        """
        {"default": "deny", "rules": [
          {"allow": {"methods": ["GET"], "paths": ["/*"]}}, {"deny": {"paths": ["/internal*"]}}]}
        """,
        """
        {"default": "deny", "rules": [
          {"allow": {"from": ["prod/client", "prod/*", "spiffe://other/a"], "paths": ["/"]}}]}
        """,
    ])
    func `reads what it writes`(access: String) throws {
        let first = try service(access)
        #expect(first.access != nil)
        let written = try encodeJSON(ServiceDocument(first, revision: 7))
        let document = try decodeDocument(ServiceDocument.self, from: written)
        #expect(try document.service(named: "reviews") == first)
    }

    @Test(arguments: [
        ("{}", "access.default"), ("[]", "access"), ("null", "access"),
        (#"{"default": true}"#, "access.default"), (#"{"default": "deny", "x": 1}"#, "access.x"),
        (#"{"default": "deny", "dryRun": "yes"}"#, "access.dryRun"),
        (#"{"default": "deny", "rules": {}}"#, "access.rules"),
        (#"{"default": "deny", "rules": [{}]}"#, "access.rules[0]"),
        (#"{"default": "deny", "rules": [{"log": {}}]}"#, "access.rules[0].log"),
        (#"{"default": "deny", "rules": [{"allow": {}, "deny": {}}]}"#, "access.rules[0]"),
        (#"{"default": "deny", "rules": [{"allow": null}]}"#, "access.rules[0].allow"),
        (
            #"{"default": "deny", "rules": [{"allow": {"path": "/"}}]}"#,
            "access.rules[0].allow.path"
        ),
        (
            #"{"default": "deny", "rules": [{"deny": {"from": {}}}]}"#,
            "access.rules[0].deny.from"
        ),
        (
            #"{"default": "deny", "rules": [{"deny": {"methods": "GET"}}]}"#,
            "access.rules[0].deny.methods"
        ),
        (
            #"{"default": "deny", "rules": [{"deny": {"paths": ["/", 1]}}]}"#,
            "access.rules[0].deny.paths[1]"
        ),
    ])
    func `of another shape is refused with the path`(access: String, path: String) {
        let error = #expect(throws: DocumentError.self) { try service(access) }
        guard case .wrongShape(let errors) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(errors.map(\.path) == [path])
    }

    @Test(arguments: [
        (#"{"default": "log"}"#, "access.default"),
        (#"{"default": "deny", "rules": [{"allow": {}}]}"#, "access.rules[0].allow"),
        (
            #"{"default": "deny", "rules": [{"deny": {"methods": []}}]}"#,
            "access.rules[0].deny.methods"
        ),
        (
            #"{"default": "deny", "rules": [{"deny": {"from": ["a/b", "a/b/c"]}}]}"#,
            "access.rules[0].deny.from[1]"
        ),
        (
            #"{"default": "deny", "rules": [{"deny": {"methods": ["GET", "a b"]}}]}"#,
            "access.rules[0].deny.methods[1]"
        ),
        (
            #"{"default": "deny", "rules": [{"deny": {"paths": ["x"]}}]}"#,
            "access.rules[0].deny.paths[0]"
        ),
        (
            """
            {"default": "deny", "rules": [{"deny": {"paths": ["/x"]}}, {"allow": {"paths": []}}]}
            """,
            "access.rules[1].allow.paths"
        ),
        (
            #"{"default": "allow", "rules": [{"allow": {"paths": ["/x"]}}]}"#,
            "access.rules[0].allow"
        ),
    ])
    func `with another meaning is refused with the path`(access: String, path: String) {
        let error = #expect(throws: MeshError.self) { try service(access) }
        #expect(error?.path == path)
    }

    @Test(arguments: [
        ("", Service.Security.off, "default/reviews"), (#""tls": "off","#, .off, "default/reviews"),
        (#""tls": "permissive","#, .permissive, "default/reviews"),
        (#""tls": "strict", "identity": "prod/backend","#, .strict, "prod/backend"),
        (#""identity": "default/reviews","#, .off, "default/reviews"),
    ])
    func `stands beside how callers and the service know each other`(
        fields: String, security: Service.Security, identity: String
    ) throws {
        let text = #"{\#(fields) "versions": {"v1": {"endpoints": []}}}"#
        let service = try decodeDocument(ServiceDocument.self, from: Array(text.utf8))
            .service(named: "reviews")
        #expect(service.security == security && service.identity.description == identity)
        let written = try encodeJSON(ServiceDocument(service, revision: nil))
        let document = try decodeDocument(ServiceDocument.self, from: written)
        #expect(try document.service(named: "reviews") == service)
        #expect((document.tls == nil) == (security == .off))
        #expect((document.identity == nil) == service.hasStandardIdentity)
    }

    @Test(arguments: [
        (#""tls": "on","#, "tls"), (#""tls": "","#, "tls"), (#""identity": "a/b/c","#, "identity"),
        (#""identity": "A","#, "identity"),
    ])
    func `and is refused where that is not known`(fields: String, path: String) {
        let text = #"{\#(fields) "versions": {"v1": {"endpoints": []}}}"#
        let error = #expect(throws: MeshError.self) {
            try decodeDocument(ServiceDocument.self, from: Array(text.utf8))
                .service(named: "reviews")
        }
        #expect(error?.path == path)
    }

    @Test func `differs field by field`() throws {
        let before = World().applying(["reviews": try service(#"{"default": "allow"}"#)])
        let after = before.applying([
            "reviews": try service(
                """
                {"default": "deny", "dryRun": true,
                 "rules": [{"allow": {
                   "from": ["a/b"], "methods": ["GET", "HEAD"], "paths": ["/a/*", "/b"]}}]}
                """)
        ])
        let differences = before.differences(to: after, in: ["reviews"])
        #expect(
            differences.map(\.path) == [
                "services.reviews.access.default", "services.reviews.access.dryRun",
                "services.reviews.access.rules[0]",
            ])
        #expect(differences[2].after == .text("allow GET, HEAD /a/*, /b from a/b"))
    }
}
